"""The name that a command was called by, for its usage and its messages, and its version."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from beam_kie import __version__

_JOB = "beam-kie"
_SCRIPTS = (_JOB, "beam-kie-eval", "beam-kie-models", "beam-kie-train")
_JOB_FILE = "run_pipeline.py"


def program_name(otherwise: str, command: str | None = None) -> str:
    """The name that the user typed.

    Args:
        otherwise: what it is where no console script was called: ``python -m ...`` or the name of a file.
        command: the subcommand of ``beam-kie`` that asks, if it is one (``transforms.launch.commands``).

    Returns:
        The console script's name, with the subcommand where there is one, or ``otherwise``.
    """
    called = Path(sys.argv[0]).name if sys.argv else ""
    if command is not None and called in (_JOB, _JOB_FILE):
        return f"{_JOB if called == _JOB else f'python {_JOB_FILE}'} {command}"
    return called if called in _SCRIPTS else otherwise


def add_version(parser: argparse.ArgumentParser) -> None:
    """Let a command know ``--version``: it prints the version and ends.

    Args:
        parser: of the command; changed in place.
    """
    parser.add_argument(
        "--version", action="version", version=f"beam-kie {__version__}", help="print the version and end"
    )
