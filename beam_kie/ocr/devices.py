"""Which device an OCR runtime computes on."""

from __future__ import annotations

import re


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
    if _has_cuda(runtime):
        return "cuda:0" if wanted in ("auto", "cuda") else wanted
    if wanted == "auto":
        return "cpu"
    package = (
        "onnxruntime-gpu in place of onnxruntime" if runtime == "onnxruntime" else "torch built for CUDA"
    )
    raise ValueError(
        f"{runtime} sees no GPU for OCR on {wanted}: install {package}, or choose the device cpu"
    )


def _has_cuda(runtime: str) -> bool:
    if runtime == "onnxruntime":
        import onnxruntime

        return "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    import torch

    return torch.cuda.is_available()
