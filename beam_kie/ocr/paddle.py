"""The paddleocr engine: the official PaddleOCR class, without a download."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import yaml

from beam_kie.document import PageImage, PageText
from beam_kie.imaging.decode import upright
from beam_kie.ocr import PADDLE_EXTRA, OcrOptions, models
from beam_kie.ocr.cleaning import clean_lines
from beam_kie.ocr.devices import ocr_device
from beam_kie.ocr.letter_case import with_letter_case
from beam_kie.ocr.rotation import find_rotation, in_doubt, is_sideways, sample_confidence
from beam_kie.ocr.straightening import straightened

_PACKAGES = {"onnxruntime": "onnxruntime", "transformers": "transformers", "paddle": "paddle"}
_MODEL_NAMES = {"det": "PP-OCRv6_small_det", "rec": "PP-OCRv6_small_rec"}
_HALF = [0.5, 0.5, 0.5]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The lines of a page as they were found, before any cleaning."""

    pixels: np.ndarray
    polygons: list[list[float]]
    texts: list[str]
    confidences: list[float]


class PaddleOcrEngine:
    """Reads pages one after the other; the threads that call share one set of models.

    Args:
        options: how to read.

    Raises:
        ValueError: a Python package is missing, or options do not go together.
        FileNotFoundError: a model is missing.
    """

    def __init__(self, options: OcrOptions):
        """Load the models; see ``create_engine`` for what it raises."""
        if importlib.util.find_spec("paddleocr") is None:
            raise ValueError(f"the paddleocr engine needs the Python package paddleocr: {PADDLE_EXTRA}")
        if importlib.util.find_spec(_PACKAGES[options.paddle_engine]) is None:
            missing = "paddlepaddle" if options.paddle_engine == "paddle" else options.paddle_engine
            raise ValueError(f"the paddle engine {options.paddle_engine} needs the Python package {missing}")
        self._options = options
        self._lock = Lock()
        own = {"det": options.det_model_dir, "rec": options.rec_model_dir}
        with tempfile.TemporaryDirectory(prefix="beam_kie_ocr_") as scratch:
            folders = {task: _model_folder(task, own[task], options, Path(scratch)) for task in own}
            self.name, self.revision = identify(options)
            self._ocr = _load(folders, options)

    def read(self, images: Sequence[PageImage]) -> list[PageText]:
        """The text of each page; as of OcrEngine.read.

        Args:
            images: pages as they lie in their files.
        """
        return [self._read_page(image) for image in images]

    def _read_page(self, image: PageImage) -> PageText:
        reading, rotation = self._read(image.pixels), 0
        if self._options.detect_rotation and in_doubt(reading.polygons, reading.confidences):
            readings = {0: reading}

            def probe(rotation_deg: int) -> float:
                if rotation_deg not in readings:
                    readings[rotation_deg] = self._read(upright(image.pixels, rotation_deg))
                turned = readings[rotation_deg]
                return sample_confidence(turned.polygons, turned.confidences)

            rotation = find_rotation(is_sideways(reading.polygons), probe)
            reading = readings[rotation]
        height, width = reading.pixels.shape[:2]
        found = (reading.texts, reading.polygons, reading.confidences)
        lines = clean_lines(*found, (width, height), self._options.min_confidence)
        lines = with_letter_case(reading.pixels, lines)
        return straightened(
            PageText(image.document_id, image.uri, image.page, width, height, rotation, lines)
        )

    def _read(self, pixels: np.ndarray) -> _Reading:
        with self._lock:
            # PaddleOCR takes BGR.
            (result,) = self._ocr.predict(np.ascontiguousarray(pixels[:, :, ::-1]))
        polygons = [np.asarray(polygon, dtype=float).ravel().tolist() for polygon in result["rec_polys"]]
        return _Reading(pixels, polygons, list(result["rec_texts"]), list(result["rec_scores"]))


def identify(options: OcrOptions) -> tuple[str, str]:
    """Name and revision of the engine with these options; loads nothing.

    Args:
        options: how to read.

    Raises:
        FileNotFoundError: a model is missing.
    """
    own = {"det": options.det_model_dir, "rec": options.rec_model_dir}
    names = [Path(folder).name for folder in own.values() if folder]
    weights = [
        _weights(Path(folder)) if folder else models.bundled_model(task) for task, folder in own.items()
    ]
    return f"paddleocr/{'+'.join(names) or models.BUNDLED_NAME}", models.revision(weights)


def _load(folders: dict[str, Path], options: OcrOptions) -> Any:
    # Both models are here, so there is nothing to look for on the network.
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")
    from paddleocr import PaddleOCR

    if logging.getLogger("paddlex").level < logging.WARNING:
        logging.getLogger("paddlex").setLevel(logging.WARNING)
    settings: dict[str, Any] = {"engine": options.paddle_engine.value, "device": _device(options)}
    if options.threads and options.paddle_engine == "onnxruntime":
        settings["engine_config"] = {"intra_op_num_threads": options.threads}
    elif options.threads and options.paddle_engine == "paddle":
        settings["cpu_threads"] = options.threads
    return PaddleOCR(
        text_detection_model_name=_model_name(folders["det"]),
        text_detection_model_dir=str(folders["det"]),
        text_recognition_model_name=_model_name(folders["rec"]),
        text_recognition_model_dir=str(folders["rec"]),
        text_det_limit_type="max",
        text_det_limit_side_len=options.max_side,
        text_rec_score_thresh=0.0,
        # Models of their own, which would have to be downloaded; pages are turned here instead.
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        use_textline_orientation=False,
        **settings,
    )


def _device(options: OcrOptions) -> str | None:
    """The device as PaddleOCR spells it; None leaves the choice to paddlepaddle."""
    if options.paddle_engine == "paddle":
        return None if options.device == "auto" else options.device.replace("cuda", "gpu")
    return ocr_device(options).replace("cuda", "gpu")


def _model_folder(task: str, own: str | None, options: OcrOptions, scratch: Path) -> Path:
    """A folder as PaddleOCR expects it: a model and its ``inference.yml``."""
    if own is not None:
        if not (Path(own) / "inference.yml").is_file():
            raise FileNotFoundError(f"{own} has no inference.yml, without which PaddleOCR loads no model")
        return Path(own)
    if options.paddle_engine != "onnxruntime":
        raise FileNotFoundError(
            f"the paddle engine {options.paddle_engine} needs det_model_dir and rec_model_dir: folders of "
            "PaddleOCR models (its own downloads lie in ~/.paddlex/official_models)"
        )
    folder = scratch / task
    folder.mkdir()
    shutil.copyfile(models.bundled_model(task), folder / "inference.onnx")
    text = yaml.safe_dump(_bundled_settings(task, folder / "inference.onnx"), allow_unicode=True)
    (folder / "inference.yml").write_text(text, "utf-8")
    return folder


def _bundled_settings(task: str, model: Path) -> dict[str, Any]:
    """The ``inference.yml`` that PaddleOCR needs for a model of the rapidocr package."""
    read = {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}}
    if task == "det":
        normalise = {"NormalizeImage": {"mean": _HALF, "std": _HALF, "scale": 1 / 255, "order": "hwc"}}
        steps = [read, {"DetResizeForTest": {"resize_long": 960}}, normalise, {"ToCHWImage": None}]
        decode = {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.5, "unclip_ratio": 1.5}
    else:
        steps = [read, {"RecResizeImg": {"image_shape": [3, 48, 320]}}]
        decode = {"name": "CTCLabelDecode", "character_dict": _characters(model)}
    return {
        "Global": {"model_name": _MODEL_NAMES[task]},
        "PreProcess": {"transform_ops": steps},
        "PostProcess": decode,
    }


def _characters(model: Path) -> list[str]:
    """The dictionary that is stored inside a recogniser's ONNX file."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return session.get_modelmeta().custom_metadata_map["character"].splitlines()


def _model_name(folder: Path) -> str:
    name = models.read_inference_yml(folder).get("Global", {}).get("model_name")
    if not name:
        raise ValueError(f"{folder / 'inference.yml'} names no model (Global: model_name)")
    return name


def _weights(folder: Path) -> Path:
    """The file that a revision is made from."""
    for pattern in ("inference.onnx", "inference.pdiparams", "*.safetensors", "*.pdparams"):
        found = sorted(folder.glob(pattern))
        if found:
            return found[0]
    return folder / "inference.yml"
