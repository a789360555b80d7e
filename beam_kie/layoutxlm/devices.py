"""Where a network runs, and in which type of numbers."""

from __future__ import annotations

import torch

from beam_kie.layoutxlm.checkpoints import ModelError


def resolve_device(device: str) -> torch.device:
    """ "auto" takes the GPU where there is one. Raises ModelError for a GPU that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("--device cuda: no GPU is visible to PyTorch here; use --device cpu or auto")
    return torch.device(device)


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """ "auto" takes bfloat16 where the device multiplies it natively, float32 elsewhere."""
    if dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[dtype]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32
