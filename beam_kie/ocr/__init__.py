"""OCR: pictures of pages to lines of text, one protocol and one module per engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Protocol, runtime_checkable

from beam_kie.document import PageImage, PageText
from beam_kie.options import DEVICES, Effect, check_options, option


class Engine(StrEnum):
    """What reads the text of a page."""

    AUTO = "auto"
    """``ppocr``, or on CPUs ``rapidocr`` where models of the user's or another backend are to be used."""
    RAPIDOCR = "rapidocr"
    PPOCR = "ppocr"
    PADDLEOCR = "paddleocr"
    NONE = "none"
    """Nothing but the lines that came with a page."""


class RapidocrBackend(StrEnum):
    """What RapidOCR computes with."""

    OPENVINO = "openvino"
    """On CPUs only."""
    ONNXRUNTIME = "onnxruntime"
    TORCH = "torch"


class PaddleEngine(StrEnum):
    """What PaddleOCR computes with."""

    ONNXRUNTIME = "onnxruntime"
    TRANSFORMERS = "transformers"
    PADDLE = "paddle"


PADDLE_EXTRA = "pip install 'beam-kie[paddle]' (Python 3.11 to 3.13)"
"""How to get the engine "paddleocr", which not everybody needs."""


@runtime_checkable
class OcrEngine(Protocol):
    """Something that reads pages.

    ``name`` says which engine and models, ``revision`` which weights; both go into every table.
    """

    name: str
    revision: str

    def read(self, images: Sequence[PageImage]) -> list[PageText]:
        """Read pages. May be called from several threads at once.

        Args:
            images: Pages as they lie in their files.

        Returns:
            The text of each page, in the order of ``images``. Lines are in reading order, in pixels of the
            upright page, ``rotation_deg`` is set and ``preview`` is None. A page without text has no lines.
            A page's result depends on that page alone, not on the pages beside it.
        """
        ...


@runtime_checkable
class PreparedEngine(Protocol):
    """An OcrEngine that can be prepared for its first page before there is one."""

    def prepare(self) -> Iterator[None]:
        """Load what usual pages need, a little (at most some tenths of a second) for each step.

        Pages read the same without it; they load what they need themselves.
        """
        ...


_option = partial(option, group="OCR")
_result = partial(_option, effect=Effect.RESULTS)
# Of the models the revisions are compared, not the folders; the model of letters is one of them.
_no_result = partial(_option, effect=Effect.NONE)


@dataclass(frozen=True, slots=True)
class OcrOptions:
    """How to read.

    ``device``: "auto", "cpu", "cuda" or "cuda:N". ``max_side``: pages with a longer side (in pixels) are
    looked through for lines at this size; the lines found are read at full resolution. ``det_model_dir`` and
    ``rec_model_dir``: folders of own models for text detection and recognition, None for the models in
    the rapidocr package. ``min_confidence`` in [0, 1]: less certain lines are dropped.
    ``threads``: CPU threads, 0 for one per usable core. ``languages``: ISO 639-1 codes with commas
    between them, None for all. ``language_model``: whether letters of doubtful lines may change to what is
    more usual. Values out of bounds raise ValueError.
    """

    engine: Engine = field(
        default=Engine.AUTO,
        metadata=_result(
            "What reads the text. auto: ppocr, or on CPUs rapidocr with --ocr_det_model_dir, "
            "--ocr_rec_model_dir or --rapidocr_backend; none: only given lines (--ocr_lines, "
            "--pdf_text_layer).",
            flag="ocr_engine",
        ),
    )
    device: str = field(
        default="auto",
        metadata=_no_result(
            "Where OCR runs; auto: a GPU if one is there and the engine can use it.",
            flag="ocr_device",
            choices=DEVICES,
        ),
    )
    max_side: int = field(
        default=1_280,
        metadata=_result(
            "Longest side in pixels at which a page is searched for lines; they are read at full resolution.",
            flag="ocr_max_side",
            metavar="PX",
            minimum=320,
            maximum=10_000,
        ),
    )
    threads: int = field(
        default=0,
        metadata=_no_result(
            "CPU threads of OCR in each process; 0: the process's fair share of the cores.",
            flag="ocr_threads",
            metavar="N",
            minimum=0,
            maximum=1024,
        ),
    )
    min_confidence: float = field(
        default=0.5,
        metadata=_result(
            "Lines that the engine is less sure of are dropped.",
            flag="ocr_min_confidence",
            metavar="RATIO",
            minimum=0,
            maximum=1,
        ),
    )
    detect_rotation: bool = field(
        default=True,
        metadata=_result(
            "Recognise pages that are turned by 90, 180 or 270 degrees.", flag="ocr_detect_rotation"
        ),
    )
    det_model_dir: str | None = field(
        default=None,
        metadata=_no_result("Text detection model of your own.", flag="ocr_det_model_dir", metavar="FOLDER"),
    )
    rec_model_dir: str | None = field(
        default=None,
        metadata=_no_result(
            "Text recognition model of your own.", flag="ocr_rec_model_dir", metavar="FOLDER"
        ),
    )
    languages: str | None = field(
        default=None,
        metadata=_result(
            "For ppocr: languages of the pages as codes with commas between them (de,en); letters of other "
            "scripts are not read.",
            flag="ocr_languages",
            metavar="CODES",
            pattern=re.compile("[a-z]{2}(,[a-z]{2})*"),
            form="codes of two letters with commas between them, such as de,en",
        ),
    )
    language_model: bool = field(
        default=True,
        metadata=_no_result(
            "For ppocr on CPUs: letters of doubtful lines may change to what is usual in English, German, "
            "French, Spanish, Italian and Portuguese; words with digits never do.",
            flag="ocr_language_model",
        ),
    )
    rapidocr_backend: RapidocrBackend = field(
        default=RapidocrBackend.OPENVINO, metadata=_result("What rapidocr computes with.")
    )
    paddle_engine: PaddleEngine = field(
        default=PaddleEngine.ONNXRUNTIME, metadata=_result("What paddleocr computes with.")
    )

    def __post_init__(self) -> None:
        check_options(self)


def create_engine(options: OcrOptions | None = None) -> OcrEngine:
    """The engine that the options name, with its models loaded. Never uses the network.

    Args:
        options: How to read; the defaults where it is None.

    Returns:
        The engine.

    Raises:
        ValueError: Options do not go together; the message says what to do.
        FileNotFoundError: A model is missing; the message says what to do.
    """
    options = _chosen(options)
    # Each engine takes seconds to import, so only the one asked for is.
    if options.engine is Engine.RAPIDOCR:
        from beam_kie.ocr.rapid import RapidOcrEngine

        return RapidOcrEngine(options)
    if options.engine is Engine.PPOCR:
        from beam_kie.ocr.ppocr.engine import PpOcrEngine

        return PpOcrEngine(options)
    if options.engine is Engine.PADDLEOCR:
        from beam_kie.ocr.paddle import PaddleOcrEngine

        return PaddleOcrEngine(options)
    from beam_kie.ocr.given import GivenLinesEngine

    return GivenLinesEngine()


def create_engine_of(geometry: str, options: OcrOptions | None = None) -> OcrEngine:
    """As ``create_engine``, with lines found in another way.

    Args:
        geometry: a name of ``box_geometry.GEOMETRIES``.
        options: How to read; the defaults where it is None.

    Returns:
        The engine.

    Raises:
        ValueError: There is no such geometry, or the engine does not find lines in several ways.
        FileNotFoundError: A model is missing.
    """
    from beam_kie.ocr.box_geometry import DEFAULT, GEOMETRIES, Shrinking

    options = _chosen(options)
    if geometry not in GEOMETRIES:
        raise ValueError(f"there is no box geometry {geometry!r}: choose one of {', '.join(GEOMETRIES)}")
    if geometry == DEFAULT:
        return create_engine(options)
    chosen = GEOMETRIES[geometry]
    engine: OcrEngine
    if options.engine is Engine.PPOCR:
        from beam_kie.ocr.ppocr.engine import PpOcrEngine

        engine = PpOcrEngine(options, geometry=chosen)
    elif options.engine is Engine.RAPIDOCR:
        from beam_kie.ocr.rapid import RapidOcrEngine

        engine = RapidOcrEngine(options, chosen)
    else:
        raise ValueError(
            f"the OCR engine {options.engine} finds lines in one way only: choose ppocr or rapidocr"
        )
    return Shrinking(engine, chosen.shrink) if chosen.shrink else engine


def identify_engine(options: OcrOptions | None = None) -> tuple[str, str]:
    """``name`` and ``revision`` of the engine that ``create_engine`` would load; loads nothing.

    So a launcher without the workers' GPU knows them too.

    Args:
        options: How to read; the defaults where it is None.

    Returns:
        Name and revision, as they go into every table.

    Raises:
        ValueError: The engine reads with no models.
        FileNotFoundError: A model is missing.
    """
    options = _chosen(options)
    if options.engine is Engine.RAPIDOCR:
        from beam_kie.ocr import rapid_files

        return rapid_files.identify(options)
    if options.engine is Engine.PPOCR:
        from beam_kie.ocr.ppocr import engine

        return engine.identify(options)
    if options.engine is Engine.PADDLEOCR:
        from beam_kie.ocr import paddle

        return paddle.identify(options)
    raise ValueError(f"the OCR engine {options.engine} has no models: choose rapidocr, ppocr or paddleocr")


def _chosen(options: OcrOptions | None) -> OcrOptions:
    from beam_kie.ocr.devices import chosen

    return chosen(options or OcrOptions())
