"""How much memory the machine has and a process takes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024

# Of the machine's memory this much is for everything but the children: the launcher, the model, the system.
_REST_BYTES = 1536 * MIB
_USED_SHARE = 0.8
# The most in a job of 12 large scans, the samples and 16 small scans was 1.2 GiB (docs/performance.md).
_LEAST_BYTES = 1536 * MIB
# The models of OCR, and the largest page that may be decoded: its pixels several times over (as Pillow holds
# them, as RGB, turned, in grey), at up to 4 bytes each.
_MODELS_BYTES = 1024 * MIB
_BYTES_PER_PIXEL = 32


def default_budget_bytes(children: int, max_pixels: int, total_bytes: int | None = None) -> int:
    """The memory budget of a child where the user gives none.

    Args:
        children: how many there are on the machine.
        max_pixels: of the largest page that is decoded.
        total_bytes: memory of the machine; of this one where it is None.

    Returns:
        Bytes: a fair share of the machine, not more than any page needs, and not less than 1.5 GiB:
        ordinary pages need up to 1.2.
    """
    total = machine_bytes() if total_bytes is None else total_bytes
    share = int((total * _USED_SHARE - _REST_BYTES) / max(children, 1))
    return max(_LEAST_BYTES, min(share, _MODELS_BYTES + _BYTES_PER_PIXEL * max_pixels))


def machine_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """The memory that processes here can have.

    Args:
        cgroup: where limits of a container are found.

    Returns:
        Bytes: the machine's memory, or the container's limit where that is less.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # "max", or another kind of container
            total = min(total, int((cgroup / name).read_text()))
    return total


class Statm:
    """The resident memory of a process, asked many times: the file of the kernel stays open."""

    def __init__(self, pid: int):
        """Open the file; a system without /proc has none.

        Args:
            pid: of the process.
        """
        self._descriptor: int | None = None
        with suppress(OSError):
            self._descriptor = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)

    def resident_bytes(self) -> int:
        """Bytes in memory now; 0 where the process has ended, or where there is no such file."""
        if self._descriptor is None:
            return 0
        try:
            return int(os.pread(self._descriptor, 128, 0).split()[1]) * _PAGE_BYTES
        except (OSError, IndexError, ValueError):
            return 0

    def close(self) -> None:
        """Close the file; nothing happens where that was done."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
