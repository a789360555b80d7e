"""Corrections into tables and labels, labels into corrections.

``python -m beam_kie.labelled.corrections FILE --run OUT``; FILE is what the review page downloaded, or labels
of the run's pages from PPOCRLabel, PaddleOCR or Label Studio.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from beam_kie.labelled.applying import RunPage
from beam_kie.labelled.corrected_tables import correct_pages, write_corrected
from beam_kie.labelled.corrections_file import (
    FORMAT,
    Corrections,
    CorrectionsError,
    read_corrections,
    write_corrections,
)
from beam_kie.labelled.formats import write_paddleocr
from beam_kie.labelled.from_labels import corrections_from_labels, read_label_file
from beam_kie.labelled.run_tables import RunTables, open_run
from beam_kie.labelled.to_labels import labels_of_pictures, labels_of_scans
from beam_kie.program import add_version, program_name

OK, FAILED, BAD_OPTIONS = 0, 1, 2

_DONE, _CHANGED, _ALL = "done", "changed", "all"


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the options ask.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0; 1 where files cannot be written; 2 where an option is wrong.
    """
    arguments = _parser().parse_args(argv)
    try:
        print(_run(arguments))
    except CorrectionsError as error:
        print(f"{_program()}: error: {error}", file=sys.stderr)
        return BAD_OPTIONS
    except OSError as error:
        print(f"{_program()}: not everything was written: {error}", file=sys.stderr)
        return FAILED
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(), description="Corrections into tables and labels, labels into corrections."
    )
    add_version(parser)
    parser.add_argument(
        "file", metavar="FILE", help="corrections of the review page, or labels of other tools"
    )
    parser.add_argument(
        "--run", required=True, metavar="OUT", help="folder that the run was told to write to"
    )
    parser.add_argument(
        "--run_id", metavar="ID", help="default: the corrections' own; of labels the only run there"
    )
    parser.add_argument("--tables", metavar="FOLDER", help="write corrected tables here")
    parser.add_argument("--labels", metavar="FILE", help="write the pages in PaddleOCR's label format")
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        help="with --labels: copy the review's pictures here, labels in their pixels",
    )
    parser.add_argument(
        "--pages",
        choices=(_DONE, _CHANGED, _ALL),
        default=_DONE,
        help="with --labels: pages that are marked as done, pages that anything is said of, or all of their "
        "documents (default: done)",
    )
    parser.add_argument("--corrections", metavar="FILE", help="write the corrections, for the review page")
    return parser


def _run(arguments: argparse.Namespace) -> str:
    run, corrections = _read(arguments)
    if arguments.images and not arguments.labels:
        raise CorrectionsError("--images needs --labels FILE")
    pages = correct_pages(run, corrections)
    said = [f"{_count(len(corrections.pages), 'page')} of run {run.run_id} with corrections"]
    if arguments.corrections:
        write_corrections(arguments.corrections, corrections)
        said.append(f"corrections: {arguments.corrections}")
    if arguments.tables:
        write_corrected(run, pages, Path(arguments.tables))
        said.append(f"corrected tables: {arguments.tables}")
    if arguments.labels:
        said.append(_write_labels(arguments, run, _chosen(pages, corrections, arguments.pages)))
    return "\n".join(said)


def _read(arguments: argparse.Namespace) -> tuple[RunTables, Corrections]:
    path = Path(arguments.file)
    if not path.is_file():
        raise CorrectionsError(f"there is no file {arguments.file!r}")
    if _is_corrections(path):
        corrections = read_corrections(path)
        if arguments.run_id not in (None, corrections.run_id):
            raise CorrectionsError(f"{path} belongs to run {corrections.run_id}, not to {arguments.run_id}")
        return open_run(arguments.run, corrections.run_id), corrections
    labelled = read_label_file(path)
    run = open_run(arguments.run, arguments.run_id)
    return run, corrections_from_labels(run, labelled)


def _is_corrections(path: Path) -> bool:
    """A file that begins as one object is a file of corrections, but for XFUND's."""
    try:
        start = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CorrectionsError(f"{path}: cannot be read: it is no text in UTF-8") from error
    return not start.strip() or (start.lstrip()[0] == "{" and (FORMAT in start or '"documents"' not in start))


def _chosen(pages: Sequence[RunPage], corrections: Corrections, which: str) -> list[RunPage]:
    if which == _ALL:
        return list(pages)
    said = {(page.document_id, page.page): page for page in corrections.pages}
    wanted = {place for place, page in said.items() if page.done or which == _CHANGED}
    chosen = [page for page in pages if (page.page["document_id"], page.page["page"]) in wanted]
    if not chosen:
        raise CorrectionsError("no page is marked as done: mark pages in the review, or add --pages changed")
    return chosen


def _write_labels(arguments: argparse.Namespace, run: RunTables, pages: Sequence[RunPage]) -> str:
    if arguments.images:
        labelled = labels_of_pictures(run, pages, Path(arguments.images))
    else:
        labelled = labels_of_scans(run, pages)
    Path(arguments.labels).parent.mkdir(parents=True, exist_ok=True)
    write_paddleocr(arguments.labels, labelled)
    return f"labels of {_count(len(labelled), 'page')}: {arguments.labels}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _program() -> str:
    return program_name("python -m beam_kie.labelled.corrections", "corrections")


if __name__ == "__main__":
    sys.exit(main())
