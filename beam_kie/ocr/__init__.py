"""OCR: pictures of pages to lines of text, one protocol and one module per engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from beam_kie.document import PageImage, PageText

ENGINES = ("rapidocr", "ppocr", "paddleocr", "none")
"""What ``create_engine`` knows; "none" reads nothing but the lines that came with a page."""


@runtime_checkable
class OcrEngine(Protocol):
    """Something that reads pages.

    ``name`` says which engine and models, ``revision`` which weights; both go into every table.
    """

    name: str
    revision: str

    def read(self, images: Sequence[PageImage]) -> list[PageText]:
        """The text of each page, in the order of ``images``.

        Lines are in reading order, in pixels of the upright page, ``rotation_deg`` is set and
        ``preview`` is None. A page without text has no lines. A page's result depends on that page
        alone, not on the pages beside it. May be called from several threads at once.
        """


@dataclass(frozen=True, slots=True)
class OcrOptions:
    """How to read.

    ``device``: "auto", "cpu", "cuda" or "cuda:N". ``max_side``: pages with a longer side (in pixels) are
    looked through for lines at this size; the lines found are read at full resolution.
    ``rapidocr_backend``: "openvino" (CPU only), "onnxruntime" or "torch". ``det_model_dir`` and
    ``rec_model_dir``: folders of own models for text detection and recognition, None for the models in
    the rapidocr package. ``languages``: ISO 639-1 codes of what pages are written in, with commas
    between them ("de,en"), for ppocr; None for all. ``paddle_engine``: what PaddleOCR computes with
    ("onnxruntime", "transformers", "paddle"). ``min_confidence`` in [0, 1]: less certain lines are dropped.
    ``threads``: CPU threads, 0 for one per usable core.
    """

    device: str = "auto"
    max_side: int = 1280
    rapidocr_backend: str = "openvino"
    det_model_dir: str | None = None
    rec_model_dir: str | None = None
    paddle_engine: str = "onnxruntime"
    detect_rotation: bool = True
    min_confidence: float = 0.5
    threads: int = 0
    languages: str | None = None

    def __post_init__(self):
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence must lie in 0..1: {self.min_confidence}")
        if self.max_side < 32:
            raise ValueError(f"max_side must be at least 32 pixels: {self.max_side}")
        if self.threads < 0:
            raise ValueError(f"threads must not be negative: {self.threads}")


def create_engine(name: str, options: OcrOptions | None = None) -> OcrEngine:
    """The engine of that name (see ``ENGINES``), with its models loaded.

    Raises ValueError where the name or a combination of options makes no sense and FileNotFoundError
    where a model is missing, both saying what to do. Never uses the network.
    """
    options = options or OcrOptions()
    # Each engine takes seconds to import, so only the one asked for is.
    if name == "rapidocr":
        from beam_kie.ocr.rapid import RapidOcrEngine

        return RapidOcrEngine(options)
    if name == "ppocr":
        from beam_kie.ocr.ppocr.engine import PpOcrEngine

        return PpOcrEngine(options)
    if name == "paddleocr":
        from beam_kie.ocr.paddle import PaddleOcrEngine

        return PaddleOcrEngine(options)
    if name == "none":
        from beam_kie.ocr.given import GivenLinesEngine

        return GivenLinesEngine()
    raise ValueError(f"unknown OCR engine {name!r}: choose one of {', '.join(ENGINES)}")


def identify_engine(name: str, options: OcrOptions | None = None) -> tuple[str, str]:
    """``name`` and ``revision`` of the engine that ``create_engine`` would load; loads nothing.

    So a launcher without the workers' GPU knows them too. Raises ValueError for an engine that reads with no
    models and FileNotFoundError where a model is missing.
    """
    options = options or OcrOptions()
    if name == "rapidocr":
        from beam_kie.ocr import rapid

        return rapid.identify(options)
    if name == "ppocr":
        from beam_kie.ocr.ppocr import engine

        return engine.identify(options)
    if name == "paddleocr":
        from beam_kie.ocr import paddle

        return paddle.identify(options)
    raise ValueError(f"the OCR engine {name!r} has no models: choose rapidocr, ppocr or paddleocr")
