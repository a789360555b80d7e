"""The subcommands: ``beam-kie NAME ...`` runs a command on its own, anything else is the job's.

Nothing is imported before it is needed: a command does not wait for Beam and PyTorch unless it uses them.
To add a command, add an entry to ``COMMANDS``; its function takes the arguments after the name and returns an
exit code. Its parser gets its name from ``beam_kie.program.program_name``.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from transforms.stages.importing import first_import


class Command(NamedTuple):
    """A subcommand: its function as "module:function", and what it does in a few words."""

    target: str
    summary: str


OUTPUT_CLOSED = 141
"""Exit code where nobody reads the output any more: a shell's for a program that SIGPIPE ended."""

JOB = "transforms.launch.cli:main"
"""What runs where the first argument is no subcommand."""

COMMANDS = {
    "read": Command("beam_kie.reading.__main__:main", "print the pairs of single files, without a run"),
    "show": Command("transforms.show:main", "print the pairs of a finished run"),
    "review": Command("transforms.review:main", "write the review page of a finished run"),
    "report": Command("transforms.runs.run_report:main", "write a page with the figures of a finished run"),
    "export": Command(
        "transforms.export.__main__:main", "write a finished run as CSV, Excel, for DuckDB, ..."
    ),
    "fields": Command("transforms.fields.__main__:main", "write the fields of a finished run to one file"),
    "check": Command("transforms.runs.check:main", "say whether the last run is good, for schedulers"),
    "cost": Command("transforms.machines.cost:main", "what a run on Dataflow costs"),
    "corrections": Command(
        "beam_kie.labelled.corrections:main", "turn corrections into tables and labels, and labels back"
    ),
    "convert": Command("beam_kie.ocr.convert.__main__:main", "turn another OCR's files into --ocr_lines"),
    "models": Command("model_store.cli:main", "list, fetch, import and verify models"),
}
"""Name -> command, in the order of ``--help``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand, or the job.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code of what ran.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is None:
        with first_import(JOB.partition(":")[0]):
            job = pkgutil.resolve_name(JOB)
        return job(arguments)
    try:
        return pkgutil.resolve_name(command.target)(arguments[1:])
    except BrokenPipeError:  # whoever read the output, such as head, has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED


def program() -> NoReturn:
    """The program: ``main``, and the end of the process with its exit code."""
    exit_code = main()
    if "apache_beam" in sys.modules:  # its threads stay
        from transforms.launch.ending import leave

        leave(exit_code)
    sys.exit(exit_code)


def commands_help() -> str:
    """The subcommands for ``--help``.

    Returns:
        One line each, without a line break at the end.
    """
    width = max(map(len, COMMANDS))
    return "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items())
