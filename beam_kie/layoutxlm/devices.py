"""Where a network runs, and in which type of numbers."""

from __future__ import annotations

import torch

from beam_kie.layoutxlm.checkpoints import ModelError


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
        dtype: "float32", "bfloat16" or "auto": bfloat16 where the device multiplies it natively, else
            float32.
        device: that the network is to run on.
    """
    if dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[dtype]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32
