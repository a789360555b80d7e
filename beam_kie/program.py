"""The name that a command was called by, for its usage and its messages."""

from __future__ import annotations

import sys
from pathlib import Path

_SCRIPTS = ("beam-kie", "beam-kie-eval", "beam-kie-models", "beam-kie-train")


def program_name(otherwise: str) -> str:
    """The name that the user typed.

    Args:
        otherwise: what it is where no console script was called: ``python -m ...`` or the name of a file.

    Returns:
        The console script's name, or ``otherwise``.
    """
    called = Path(sys.argv[0]).name if sys.argv else ""
    return called if called in _SCRIPTS else otherwise
