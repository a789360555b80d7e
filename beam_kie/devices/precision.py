"""Which types of numbers a device computes natively."""

from __future__ import annotations

import torch

from beam_kie.devices.processors import is_slow_at_bfloat16


def native_dtype(device: torch.device) -> torch.dtype:
    """The shortest type that a network keeps its accuracy in and the device is fast at.

    That is bfloat16 where the device multiplies it natively and gains by it; else float16 on a GPU, since
    those before Ampere (T4, V100) only emulate bfloat16; else float32.

    Args:
        device: that the network is to run on.
    """
    if is_native(torch.bfloat16, device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else torch.float32


def is_native(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a device multiplies matrices of a type itself, and gains by it.

    To emulate a type takes far longer than float32.

    Args:
        dtype: float32, bfloat16 or float16.
        device: of the network.
    """
    if dtype == torch.float32:
        return True
    if device.type == "cuda":
        return dtype == torch.float16 or torch.cuda.is_bf16_supported(including_emulation=False)
    if dtype == torch.bfloat16:
        has_it = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        return has_it and not is_slow_at_bfloat16()
    return False
