"""What kind of CPU this is; without PyTorch, since processes that only read pages do without it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_LINUX_CPUS = Path("/proc/cpuinfo")


@cache
def is_slow_at_bfloat16() -> bool:
    """Whether float32 is the faster type here, although the CPU has instructions for bfloat16.

    That was measured on an Intel CPU of the generations with AMX (AVX-512 FP16 tells them) in a virtual
    machine that hides AMX: a product of matrices takes 1.8 times as long as in float32
    (docs/performance.md). With AMX, and on AMD's CPUs, bfloat16 is the faster one. Only Linux is asked;
    False elsewhere.
    """
    try:
        return slow_at_bfloat16(_LINUX_CPUS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return False


def slow_at_bfloat16(facts: str) -> bool:
    """The same, from what Linux tells of the CPU.

    Args:
        facts: contents of ``/proc/cpuinfo``.
    """
    words = set(facts.split())
    return {"GenuineIntel", "avx512_fp16"} <= words and "amx_bf16" not in words
