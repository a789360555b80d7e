"""One set of PP-OCR models as the rapidocr package runs them; not for several threads at once."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rapidocr import EngineType, RapidOCR

from beam_kie.document import Polygon
from beam_kie.geometry import order_corners, polygon_area
from beam_kie.ocr import OcrOptions, models, tiles
from beam_kie.ocr.box_geometry import DEFAULT, GEOMETRIES, BoxGeometry
from beam_kie.ocr.crops import LINE_HEIGHT, line_width, pack_batch
from beam_kie.ocr.pages import Reading
from beam_kie.ocr.ppocr.decoding import decode
from beam_kie.ocr.telemetry import silence_openvino


class RapidModels:
    """Finds lines on a page and reads crops of lines, with one thread on a CPU.

    Args:
        options: how to read.
        device: "cpu" or "cuda:N".
        files: of the models, by "det" and "rec".
        geometry: how lines are found.
    """

    def __init__(
        self,
        options: OcrOptions,
        device: str,
        files: dict[str, Path],
        geometry: BoxGeometry = GEOMETRIES[DEFAULT],
    ):
        """Load ``files`` ("det" and "rec") on "cpu" or "cuda:N"."""
        silence_openvino()
        self._max_side = geometry.max_side or options.max_side
        engine = EngineType(options.rapidocr_backend)
        params: dict[str, Any] = {
            "Global.log_level": "error",
            "Det.engine_type": engine,
            "Rec.engine_type": engine,
            "Det.model_path": str(files["det"]),
            "Rec.model_path": str(files["rec"]),
            # As PaddleOCR has it. Measured on 37 forms: without dilation a key and the value beside it
            # are found apart more often (1 to 2 % more lines exactly right).
            "Det.use_dilation": False,
            "Det.unclip_ratio": geometry.unclip_ratio,
            "Det.thresh": geometry.text_threshold,
            "Det.box_thresh": geometry.line_threshold,
            "EngineConfig.openvino.inference_num_threads": 1,
            # Several sets of models would all be pinned to the same core.
            "EngineConfig.openvino.enable_cpu_pinning": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        if device != "cpu":
            backend = options.rapidocr_backend
            params[f"EngineConfig.{backend}.use_cuda"] = True
            params[f"EngineConfig.{backend}.cuda_ep_cfg.device_id"] = int(device.partition(":")[2] or 0)
        with tempfile.TemporaryDirectory() as folder:
            if (dictionary := _dictionary(files["rec"], Path(folder))) is not None:
                params["Rec.rec_keys_path"] = str(dictionary)
            # Its own call would shrink the page before lines are cut out and pad every line to 320
            # pixels, and takes a third more time, so its models and decoders are used one by one.
            stack = RapidOCR(params=params)
            self._detector = stack._load_det_model()
            self._recogniser = stack._load_rec_model()

    def find_lines(self, pixels: np.ndarray) -> list[Polygon]:
        """The lines on an RGB page as quadrilaterals, clockwise from the top left, in pixels, none empty.

        Args:
            pixels: H x W x 3 uint8 RGB.
        """
        return tiles.find_lines(pixels, self._max_side, self._text_map, self._line_boxes)

    def _text_map(self, pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return self._detector.session(_detector_input(pixels, size))[0, 0]

    def _line_boxes(self, text_map: np.ndarray, size_px: tuple[int, int]) -> list[Polygon]:
        width, height = size_px
        found, _ = self._detector.postprocess_op(text_map[None, None], (height, width))
        polygons = [order_corners(corners.ravel().tolist()) for corners in found]
        return [polygon for polygon in polygons if polygon_area(polygon) > 0]

    def read_lines(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        """What RGB pictures of lines say, which are read as one batch.

        Args:
            crops: pictures of lines, h x w x 3 uint8 RGB each; at least one.
        """
        batch = pack_batch(crops)
        scores = self._recogniser.session(batch)
        # Of 18,000 characters a frame: looking for the best takes long, and is done once.
        classes, probabilities = scores.argmax(axis=2), scores.max(axis=2)
        decoder = self._recogniser.postprocess_op
        texts, _ = decoder.decode(classes, probabilities, remove_duplicate=True)
        frame_px = batch.shape[3] / scores.shape[1]
        readings = []
        for crop, (text, confidence), best, certain in zip(crops, texts, classes, probabilities, strict=True):
            frames = line_width(crop) / frame_px
            placed = decode(best, certain, decoder.character[1:], frames, LINE_HEIGHT / frame_px)
            readings.append(placed._replace(text=text, confidence=confidence))
        return readings


def _detector_input(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An RGB page of that width and height as the detector wants it: float32 1 x 3 (BGR) x H x W, black -1 to
    white 1."""
    return cv2.dnn.blobFromImage(pixels, 1 / 127.5, size, (127.5, 127.5, 127.5), swapRB=True)


def _dictionary(model: Path, folder: Path) -> Path | None:
    """The characters that a recogniser knows, as a file; None where the model itself holds them.

    Looked for beside the model: the dictionary in ``inference.yml``, else the only text file.
    """
    characters = models.read_inference_yml(model.parent).get("PostProcess", {}).get("character_dict")
    if characters:
        path = folder / "dictionary.txt"
        path.write_text("".join(f"{character}\n" for character in characters), "utf-8")
        return path
    texts = sorted(model.parent.glob("*.txt"))
    return texts[0] if len(texts) == 1 else None
