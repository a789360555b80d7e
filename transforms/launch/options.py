"""The flags of the job, made from the options that ``JobConfig`` and ``LaunchOptions`` declare."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from beam_kie.options import Effect, Option, check_options, option, options_of
from transforms.config import JobConfig

_run = partial(option, group="Run", effect=Effect.NONE)


class LogLevel(StrEnum):
    """Least level of log lines."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """Form of log lines."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """Options of the launcher alone; no worker has them."""

    validate_only: bool = field(
        default=False,
        metadata=_run(
            "Check everything, count files and pages, say what would run, launch nothing.", in_template=False
        ),
    )
    wait: bool = field(
        default=False,
        metadata=_run(
            "Dataflow: wait for the job's end, so that the exit code tells of the run; others always wait.",
            in_template=False,
        ),
    )
    log_level: LogLevel = field(default=LogLevel.INFO, metadata=_run("Least level of log lines on stderr."))
    log_format: LogFormat = field(default=LogFormat.TEXT, metadata=_run("Log lines as text or as JSON."))

    def __post_init__(self) -> None:
        check_options(self)


class KieOptions(PipelineOptions):
    """The job's own flags, registered with Beam so that runners show them beside their own.

    No flag is ``required`` here: that would break every pipeline of a process that imports this module.
    """

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        for title, options in groups().items():
            group = parser.add_argument_group(title)
            for item in options:
                group.add_argument(*_names(item), **_arguments(item))


def groups() -> dict[str, list[Option]]:
    """The options of the job and of its launcher by group.

    Returns:
        Titles of groups with their options, both in the order of ``--help``.
    """
    found: dict[str, list[Option]] = {}
    for item in (*options_of(JobConfig), *options_of(LaunchOptions)):
        found.setdefault(item.info.group, []).append(item)
    return found


def help_text(item: Option) -> str:
    """The text of an option in ``--help`` and in job templates.

    Args:
        item: The option.

    Returns:
        Its help with the default at the end.
    """
    return f"{item.info.help} (default: {item.shown_default})"


def placeholder(item: Option) -> str | None:
    """What stands for the value of an option in ``--help``.

    Args:
        item: The option.

    Returns:
        A word in capitals; None for an option with choices, which are shown instead.
    """
    if item.choices:
        return None
    return item.info.metavar or ("BOOL" if item.kind is bool else item.flag.upper())


def _names(item: Option) -> list[str]:
    return [f"--{name}" for name in (item.flag, *item.info.aliases)]


def _arguments(item: Option) -> dict[str, Any]:
    """The arguments of ``add_argument`` for an option."""
    arguments: dict[str, Any] = {
        "dest": item.flag,
        "help": help_text(item),
        "default": item.flag_default,
        "metavar": placeholder(item),
    }
    if item.kind is bool:
        return arguments | {"type": _parser(item), "nargs": "?", "const": True}
    if item.choices:
        if item.info.bare is not None:
            arguments |= {"nargs": "?", "const": item.info.bare}
        return arguments | {"choices": item.choices, "type": partial(_word, item.kind)}
    if item.several:
        return arguments | {"nargs": "+", "action": "extend"}
    return arguments | {"type": _parser(item)}


def _word(kind: type, text: str) -> str:
    """The choice that a word means: enums may know other words for some."""
    try:
        return str(kind(text))
    except ValueError:
        return text  # argparse says which choices there are


def _parser(item: Option) -> Callable[[str], Any]:
    """``item.parse`` with the errors of argparse, which shows the message of no others."""

    def parse(text: str) -> Any:
        try:
            return item.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse
