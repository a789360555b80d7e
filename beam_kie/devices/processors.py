"""What kind of CPU this is; without PyTorch, since processes that only read pages do without it."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

_LINUX_CPUS = Path("/proc/cpuinfo")
_INTEL = "GenuineIntel"


@cache
def is_slow_at_bfloat16() -> bool:
    """Whether float32 is the faster type here, although the CPU has instructions for bfloat16.

    That is so on Intel's CPUs with AVX-512 BF16 and without AMX: Cooper Lake, and later ones in virtual
    machines that hide AMX. The same product of matrices takes 1.8 times as long there as in float32
    (docs/performance.md). With AMX, and on AMD's CPUs, bfloat16 is the faster one. Only Linux tells of AMX:
    elsewhere Intel's CPUs count as having none, which is right for nearly all of them.
    """
    try:
        facts = _LINUX_CPUS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        facts = platform.processor()
    return slow_at_bfloat16(facts)


def slow_at_bfloat16(facts: str) -> bool:
    """The same, from what the system tells of the CPU.

    Args:
        facts: contents of Linux' ``/proc/cpuinfo``, or what ``platform.processor`` returns elsewhere.
    """
    return _INTEL in facts and "amx_bf16" not in facts.split()
