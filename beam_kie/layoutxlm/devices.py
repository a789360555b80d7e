"""Where a network runs, and in which type of numbers."""

from __future__ import annotations

import torch

from beam_kie.devices.precision import native_dtype
from beam_kie.layoutxlm.folders import ModelError


def resolve_device(device: str) -> torch.device:
    """The device to compute on.

    Args:
        device: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:N".

    Raises:
        ModelError: no GPU is visible to PyTorch.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("--device cuda: no GPU is visible to PyTorch here; use --device cpu or auto")
    return torch.device(device)


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The type to compute in.

    Args:
        dtype: "float32", "bfloat16", "float16" or "auto" (``native_dtype``).
        device: that the network is to run on.
    """
    if dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[dtype]
    return native_dtype(device)
