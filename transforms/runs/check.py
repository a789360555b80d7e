"""Says whether the last night was good: ``beam-kie check OUTPUT``, for schedulers and monitoring."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from beam_kie.document import DocumentError
from beam_kie.program import add_version, program_name
from transforms.runs.finished_runs import UnreadableRunError, find_summary, newest_run
from transforms.storage.files import TIMEOUT_S
from transforms.storage.uris import absolute_uri

GOOD, BAD, WRONG_ARGUMENTS = 0, 1, 2


def problems(
    summary: Mapping[str, Any],
    *,
    now: datetime,
    max_age: timedelta | None = None,
    max_failure_ratio: float = 1.0,
    min_documents: int = 0,
) -> list[str]:
    """What is wrong with a finished run.

    Args:
        summary: Its ``summary.json``.
        now: The present time, with a time zone.
        max_age: How long ago the run may have finished; None for any time.
        max_failure_ratio: The share of its documents that may have failed, 0 to 1; skipped ones do not count.
        min_documents: How many documents it must have had, skipped ones included.

    Returns:
        A few words for each problem; nothing where the run is good.
    """
    documents, found = summary["documents"], []
    finished = datetime.fromisoformat(summary["finished_at"])
    if max_age is not None and now - finished > max_age:
        hours = (now - finished).total_seconds() / 3600
        found.append(f"it finished {hours:.0f} hours ago")
    if not documents["counts_add_up"]:
        found.append("documents are not accounted for")
    if documents["failure_ratio"] > max_failure_ratio:
        found.append(f"{documents['failure']} of {documents['in'] - documents['skipped']} documents failed")
    if documents["in"] < min_documents:
        found.append(f"it had {documents['in']} documents, and {min_documents} were expected")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Check the run that finished last, or a named one, and print one line.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0 where the run is good, 1 where it is not or there is none, 2 for wrong arguments.
    """
    arguments = argument_parser().parse_args(argv)
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    run_id = arguments.run_id
    try:
        run_id = run_id or newest_run(output)
        summary = find_summary(output, run_id, TIMEOUT_S)
        if summary is None:
            raise FileNotFoundError(f"{output!r} holds no finished run {run_id}")
        found = problems(
            summary,
            now=datetime.now(UTC),
            max_age=None if arguments.max_age_hours is None else timedelta(hours=arguments.max_age_hours),
            max_failure_ratio=arguments.max_failure_ratio,
            min_documents=arguments.min_documents,
        )
    except (FileNotFoundError, DocumentError, UnreadableRunError) as error:
        print(f"bad: {error}", file=sys.stderr)
        return BAD
    except KeyError as error:
        print(f"bad: the summary of run {run_id} has no {error}", file=sys.stderr)
        return BAD
    if found:
        print(f"bad: run {run_id}: {'; '.join(found)}", file=sys.stderr)
        return BAD
    documents = summary["documents"]
    print(
        f"good: run {run_id}: {documents['in']} documents, {documents['failure']} failed, "
        f"{documents['skipped']} skipped"
    )
    return GOOD


def argument_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.runs.check", "check"),
        description="Say whether a run is good: exit code 0, or 1 and what is wrong with it.",
    )
    add_version(parser)
    parser.add_argument("output", help="folder that the runs write to")
    parser.add_argument("--run_id", help="default: the run that finished last")
    parser.add_argument(
        "--max_age_hours", type=_number, metavar="HOURS", help="the run must have finished within this time"
    )
    parser.add_argument(
        "--max_failure_ratio", type=_ratio, default=1.0, metavar="0..1",
        help="share of the documents that may have failed (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--min_documents", type=int, default=0, metavar="N", help="documents that the run must have had"
    )
    return parser


def _number(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be over 0, not {text}")
    return value


def _ratio(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
