"""Which models the rapidocr engine reads with; known without its package, which takes its time to import."""

from __future__ import annotations

import os
from pathlib import Path

from beam_kie.ocr import OcrOptions, models

_SUFFIXES = {"openvino": ".onnx", "onnxruntime": ".onnx", "torch": ".pth"}


def model_files(options: OcrOptions) -> dict[str, Path]:
    """The files of the models, by "det" and "rec".

    Args:
        options: how to read.

    Raises:
        FileNotFoundError: a model is missing.
    """
    backend = options.rapidocr_backend
    files = {}
    for task, folder in (("det", options.det_model_dir), ("rec", options.rec_model_dir)):
        if folder is not None:
            files[task] = models.model_file(folder, _SUFFIXES[backend])
        elif backend == "torch":
            raise FileNotFoundError(
                "the rapidocr package brings no PyTorch weights: name folders with the .pth files as "
                "det_model_dir and rec_model_dir, or choose the backend openvino or onnxruntime"
            )
        else:
            files[task] = models.bundled_model(task)
    return files


def identify(options: OcrOptions) -> tuple[str, str]:
    """Name and revision of the engine with these options; loads nothing.

    Args:
        options: how to read.

    Raises:
        FileNotFoundError: a model is missing.
    """
    return f"rapidocr/{_models_name(options)}", models.revision(model_files(options).values())


def _models_name(options: OcrOptions) -> str:
    own = [os.path.basename(os.path.normpath(f)) for f in (options.det_model_dir, options.rec_model_dir) if f]
    return "+".join(own) or models.BUNDLED_NAME
