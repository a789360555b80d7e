"""How much memory the machine has and a process takes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024

# Of the machine's memory this much is for everything but the children: the launcher, the model, the system.
_REST_BYTES = 1536 * MIB
_USED_SHARE = 0.8
_LEAST_BYTES = 1024 * MIB
# The models of OCR, and the largest page that may be decoded: its pixels several times over (as Pillow holds
# them, as RGB, turned, in grey), at up to 4 bytes each.
_MODELS_BYTES = 1024 * MIB
_BYTES_PER_PIXEL = 32


def default_budget_bytes(children: int, max_pixels: int, total_bytes: int | None = None) -> int:
    """What one of ``children`` on a machine may take: its fair share, and no more than any page needs.

    Never less than 1 GiB, with which ordinary pages are read. ``total_bytes`` is the machine's memory, by
    default that of this one.
    """
    total = machine_bytes() if total_bytes is None else total_bytes
    share = int((total * _USED_SHARE - _REST_BYTES) / max(children, 1))
    return max(_LEAST_BYTES, min(share, _MODELS_BYTES + _BYTES_PER_PIXEL * max_pixels))


def machine_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """The memory that processes here can have: the machine's, or the container's where it is given less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # "max", or another kind of container
            total = min(total, int((cgroup / name).read_text()))
    return total


def resident_bytes(pid: int) -> int:
    """What a process holds in memory now; 0 where it has ended, or where there is no /proc."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
