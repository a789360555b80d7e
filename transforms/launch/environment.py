"""What to do where the script runs with a Python that lacks the packages of the job."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from beam_kie.program import program_name

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("beam_kie", "model_store", "transforms")
BAD_ENVIRONMENT = 2


def missing_module(error: ModuleNotFoundError, root: Path = ROOT) -> int:
    """Say in one line how to get a Python that has the packages.

    Args:
        error: what an import raised.
        root: the folder with the script.

    Returns:
        The exit code.

    Raises:
        ModuleNotFoundError: ``error`` itself, where a module of this project is missing: that is a defect.
    """
    if (error.name or "").partition(".")[0] in _OURS:
        raise error
    python = root / ".venv" / "bin" / "python"
    if os.path.normpath(sys.prefix) == os.path.normpath(python.parent.parent):
        advice = "its environment is not complete: pip install -c constraints.txt . installs what is missing"
    elif python.exists():
        shown = os.path.relpath(python)
        advice = f"use the environment: {shown} run_pipeline.py, or activate it: source {shown[:-6]}activate"
    else:
        advice = "create an environment: make demo, or pip install -c constraints.txt . in one of your own"
    name = program_name("run_pipeline.py")
    print(f"{name}: this Python ({sys.executable}) has no {error.name}; {advice}", file=sys.stderr)
    return BAD_ENVIRONMENT
