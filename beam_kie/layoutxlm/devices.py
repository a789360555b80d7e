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
        dtype: "float32", "bfloat16", "float16" or "auto": bfloat16 where the device multiplies it natively;
            else float16 on a GPU, since those before Ampere (T4, V100) only emulate bfloat16; else float32.
        device: that the network is to run on.
    """
    if dtype != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[dtype]
    if is_native(torch.bfloat16, device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else torch.float32


def is_native(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a device multiplies matrices of a type itself; to emulate it takes far longer.

    Args:
        dtype: float32, bfloat16 or float16.
        device: of the network.
    """
    if dtype == torch.float32:
        return True
    if device.type == "cuda":
        return dtype == torch.float16 or torch.cuda.is_bf16_supported(including_emulation=False)
    if dtype == torch.bfloat16:
        return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return False
