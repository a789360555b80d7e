"""Runs a command as on a CPU that has AVX2 and nothing newer: no AVX-512, no VNNI, no bfloat16, no AMX.

    python benchmarks/avx2_only.py COMMAND [ARGUMENT ...]

Most rented machines are of that kind. OpenVINO, ONNX Runtime, PyTorch and NumPy ask the CPU which
instructions it supports, and so choose their kernels for AVX2, in the command and in all processes that it
starts. The C library itself and the speed of the CPU stay as they are. Needs Linux on x86-64, a CPU that can
make CPUID fault (flag cpuid_fault in /proc/cpuinfo), and a C compiler. The exit code is that of the command;
2 if this machine cannot do it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")
_CPUS = Path("/proc/cpuinfo")


def main(command: Sequence[str]) -> int:
    if not command or command[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if command else 2
    if missing := what_is_missing():
        print(f"avx2_only: {missing}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        try:
            preloaded = f"{compile_library(Path(folder))} {os.environ.get('LD_PRELOAD', '')}".strip()
            code = subprocess.run(
                command, env={**os.environ, "LD_PRELOAD": preloaded}, check=False
            ).returncode
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"avx2_only: {error}", file=sys.stderr)
            return 2
    return code if code >= 0 else 128 - code  # the way a shell reports a signal


def what_is_missing() -> str | None:
    """Why this machine cannot do it; None where it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "this needs Linux on x86-64"
    if "cpuid_fault" not in _CPUS.read_text(encoding="utf-8", errors="replace").split():
        return "this CPU, or its virtual machine, cannot make CPUID fault"
    if _compiler() is None:
        return "there is no C compiler: install gcc or clang"
    return None


def compile_library(folder: Path) -> Path:
    """Compiles the library that hides instructions, and returns its path.

    Args:
        folder: where it is written.

    Raises:
        subprocess.CalledProcessError: the compiler failed; its own message is on standard error.
    """
    library = folder / "avx2_only.so"
    compiler = _compiler()
    assert compiler is not None
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"], check=True
    )
    return library


def _compiler() -> str | None:
    return next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
