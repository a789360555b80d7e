"""From the command line to a ``JobConfig``: strict, with Beam's own flags beside the job's."""

from __future__ import annotations

import argparse
import difflib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from beam_kie.options import from_values, options_of
from beam_kie.program import add_version, program_name
from transforms.config import JobConfig
from transforms.launch.commands import COMMANDS, commands_help
from transforms.launch.options import LaunchOptions, groups

PROGRAM = program_name("run_pipeline.py")
_CALL = program_name("python run_pipeline.py")
USAGE = f"{_CALL} --input PATTERN [PATTERN ...] --output FOLDER [options]\n       {_CALL} COMMAND [options]"
BEAM_HELP = (
    "Beam's own options are accepted as well, for example --runner (default: DirectRunner, which is always "
    "Beam's in-process FnApiRunner here), --direct_num_workers, --direct_running_mode, --project, --region, "
    "--temp_location, --setup_file, --sdk_container_image. Anything else is an error."
)

# Beam learns these from the job server when the job is sent. Only those that can matter to a batch job.
JOB_SERVER_FLAGS = {
    "execution_mode_for_batch": {"choices": ("PIPELINED", "PIPELINED_FORCED", "BATCH", "BATCH_FORCED")},
    "number_of_execution_retries": {"type": int},
    "execution_retry_delay": {"type": int},
    "object_reuse": {"action": "store_true"},
    "faster_copy": {"action": "store_true"},
    "disable_metrics": {"action": "store_true"},
    "re_iterable_group_by_key_result": {"action": "store_true"},
    "bundle_size": {"type": int},
    "storage_level": {},
}
"""Options of Beam's Flink and Spark job servers: name -> arguments of argparse."""


class UsageError(ValueError):
    """The command line cannot be carried out; the message is one line that says what to do."""


def parse_arguments(argv: Sequence[str]) -> tuple[argparse.Namespace, PipelineOptions]:
    """Parse the flags of the job and of Beam.

    Args:
        argv: Arguments of the command line, without the program.

    Returns:
        A namespace with the values of all flags, and Beam's options.

    Raises:
        UsageError: A flag is unknown, or a value is of the wrong kind.
        SystemExit: After ``--help`` was printed.
    """
    parser = argument_parser()
    # Beam's own defaults do not show whether a flag was given; checks.py sets them where none was.
    parser.set_defaults(direct_num_workers=None, direct_running_mode=None, job_server_timeout=None)
    namespace, unknown = parser.parse_known_args(argv)
    if unknown:
        raise UsageError(_explain_unknown(unknown[0], parser))
    return namespace, PipelineOptions(list(argv))


def argument_parser() -> argparse.ArgumentParser:
    """A strict parser of every flag that the job or Beam knows; only the job's are in its help."""
    captured: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=captured.append)
    (beam_parser,) = captured
    own = {item.flag for options in groups().values() for item in options}
    for action in beam_parser._actions:
        if action.dest not in own and "--help" not in action.option_strings:
            action.help = argparse.SUPPRESS
    parser = _StrictParser(
        prog=PROGRAM,
        usage=USAGE,
        description="Scanned documents in, tables of key-value pairs and pictures of what was found out.",
        parents=[beam_parser],
        epilog=f"Commands ({_CALL} COMMAND --help shows their options):\n{commands_help()}",
        formatter_class=_HelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    add_version(parser)
    for name, kind in JOB_SERVER_FLAGS.items():
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS, **kind)
    parser.add_argument_group("Beam", BEAM_HELP)
    return parser


def new_run_id() -> str:
    """A run id that sorts by time: ``20261123T052257Z-3f9a1c``."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def job_config(namespace: argparse.Namespace, **changes: Any) -> JobConfig:
    """The configuration that parsed flags ask for.

    Args:
        namespace: What ``parse_arguments`` returned.
        **changes: Values by the names of flags, which win over those in ``namespace``; None stands for the
            default.

    Returns:
        The configuration; a run id is made where none was given.

    Raises:
        UsageError: ``--output`` is missing.
    """
    if not namespace.output:
        raise UsageError("--output is missing: give a folder for tables and pictures")
    values = {item.flag: getattr(namespace, item.flag) for item in options_of(JobConfig)} | changes
    values["input"] = tuple(values["input"] or ())
    values["run_id"] = values["run_id"] or new_run_id()
    return from_values(JobConfig, {name: value for name, value in values.items() if value is not None})


def launch_options(namespace: argparse.Namespace) -> LaunchOptions:
    """The options of the launcher in parsed flags.

    Args:
        namespace: What ``parse_arguments`` returned.

    Returns:
        The options.
    """
    values = {item.flag: getattr(namespace, item.flag) for item in options_of(LaunchOptions)}
    return from_values(LaunchOptions, values)


class _HelpFormatter(argparse.HelpFormatter):
    """Keeps the lines of the epilog, and fills all other texts."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("Commands (") else super()._fill_text(text, width, indent)


class _StrictParser(argparse.ArgumentParser):
    """Raises an error of one line instead of printing two screens of usage."""

    def error(self, message: str):
        raise UsageError(message.removeprefix("argument "))


def _explain_unknown(argument: str, parser: argparse.ArgumentParser) -> str:
    flag = argument.split("=", 1)[0]
    if not flag.startswith("-"):
        close = difflib.get_close_matches(flag, COMMANDS, n=1)
        return f"unexpected argument {argument!r}: " + (
            f"did you mean the command {close[0]}?"
            if close
            else "every value belongs to a flag, for example --input"
        )
    close = difflib.get_close_matches(flag, list(parser._option_string_actions), n=1)
    return f"unknown flag {flag}" + (f": did you mean {close[0]}?" if close else ": see --help")
