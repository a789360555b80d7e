"""Which device an OCR engine computes on."""

from __future__ import annotations

import ctypes
import importlib.util
import re
from dataclasses import replace
from pathlib import Path

from beam_kie.ocr import Engine, OcrOptions, PaddleEngine, RapidocrBackend

GPU_PACKAGES = ("transformers", "onnx")
"""What ``ppocr`` needs on a GPU, beside PyTorch."""

GPU_EXTRA = "pip install 'beam-kie[gpu-ocr]'"
"""How to get them."""


def chosen(options: OcrOptions, look: bool = True) -> OcrOptions:
    """The options with an engine in place of ``Engine.AUTO``.

    That is ppocr, unless CPUs are to read with own models or with another backend of rapidocr: then it is
    rapidocr. With ``look`` False the device of ppocr is settled, too.

    Args:
        options: of OCR.
        look: whether the engine is to run on this machine; otherwise it has a GPU only if the device says so.

    Raises:
        ValueError: the device is none.
    """
    if options.engine is Engine.AUTO:
        on_cpu = _is_for_rapidocr(options) and not (
            is_gpu(options.device) if look else options.device.startswith("cuda")
        )
        options = replace(options, engine=Engine.RAPIDOCR if on_cpu else Engine.PPOCR)
    if options.engine is Engine.PPOCR and options.device == "auto" and not look:
        # What an engine reads with depends on the device: it is settled before the run.
        return replace(options, device="cpu")
    return options


def _is_for_rapidocr(options: OcrOptions) -> bool:
    """Whether there are options that are for rapidocr: ppocr knows the networks of PP-OCRv6 only."""
    own_models = options.det_model_dir or options.rec_model_dir
    return bool(own_models) or options.rapidocr_backend is not RapidocrBackend.OPENVINO


def is_gpu(device: str) -> bool:
    """Whether ppocr computes on a GPU; one that is named may be another machine's.

    Args:
        device: of the options.

    Raises:
        ValueError: the device is none.
    """
    return (_ppocr_device(device) if device == "auto" else device).startswith("cuda")


def ocr_device(options: OcrOptions) -> str:
    """The device that the engine of these options computes on; loads nothing but the runtime.

    Args:
        options: of the engine.

    Returns:
        "cpu" or "cuda:N".

    Raises:
        ValueError: the device is none, the engine does not run on GPUs, or it sees none that it can use.
    """
    options = chosen(options)
    wanted = options.device
    if options.engine is Engine.NONE:
        return "cpu"
    if options.engine is Engine.PPOCR:
        return _ppocr_device(wanted)
    if options.engine is Engine.PADDLEOCR:
        runtime = "onnxruntime" if options.paddle_engine is PaddleEngine.ONNXRUNTIME else "torch"
        return cuda_device(wanted, runtime)
    if options.rapidocr_backend is RapidocrBackend.OPENVINO:
        if wanted not in ("auto", "cpu"):
            raise ValueError(
                f"rapidocr with the backend openvino does not run on {wanted}: choose the engine ppocr, or "
                "the rapidocr backend onnxruntime or torch"
            )
        return "cpu"
    return cuda_device(wanted, options.rapidocr_backend.value)


def cuda_device(wanted: str, runtime: str) -> str:
    """The device that an OCR runtime computes on.

    Args:
        wanted: "auto" (a GPU where the runtime can use one), "cpu", "cuda" or "cuda:N".
        runtime: "onnxruntime" or "torch".

    Returns:
        "cpu" or "cuda:N".

    Raises:
        ValueError: ``wanted`` is no device, or the runtime cannot use the GPU that it names.
    """
    if wanted == "cpu":
        return "cpu"
    if wanted != "auto" and not re.fullmatch(r"cuda(:\d+)?", wanted):
        raise ValueError(f"unknown OCR device {wanted!r}: choose auto, cpu, cuda or cuda:N")
    count = _gpus(runtime)
    if wanted == "auto":
        return "cuda:0" if count else "cpu"
    number = int(wanted.partition(":")[2] or 0)
    if number < count:
        return f"cuda:{number}"
    raise ValueError(f"{_what_is_missing(wanted, runtime, count)}, or choose the device cpu")


def _ppocr_device(wanted: str) -> str:
    missing = [name for name in GPU_PACKAGES if importlib.util.find_spec(name) is None]
    if missing and wanted == "auto":
        return "cpu"
    if missing and wanted != "cpu":
        raise ValueError(
            f"ppocr on {wanted} needs the Python package {' and '.join(missing)}: {GPU_EXTRA}, or choose "
            "the device cpu"
        )
    return cuda_device(wanted, "torch")


def _what_is_missing(wanted: str, runtime: str, count: int) -> str:
    if count:
        return f"{runtime} sees {count} GPU(s), so there is no {wanted}: take cuda:0 to cuda:{count - 1}"
    if runtime == "onnxruntime":
        return f"onnxruntime sees no GPU for OCR on {wanted}: install onnxruntime-gpu in place of onnxruntime"
    import torch

    if torch.version.cuda is None:
        return f"PyTorch {torch.__version__} is built for CPUs only: install torch built for CUDA"
    return (
        f"PyTorch sees no GPU for OCR on {wanted}: see whether nvidia-smi shows one, with a driver for CUDA "
        f"{torch.version.cuda}"
    )


def _gpus(runtime: str) -> int:
    """How many GPUs a runtime sees; ONNX Runtime does not say whether there are more than one."""
    if runtime == "onnxruntime":
        import onnxruntime

        return 64 if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else 0
    # Even if PyTorch is in sys.modules: another thread may still be importing it, and this one would wait.
    if not _has_driver():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _has_driver() -> bool:
    """Whether it is worth the time to import PyTorch to look for a GPU."""
    if Path("/dev/kfd").exists():  # AMD's
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
