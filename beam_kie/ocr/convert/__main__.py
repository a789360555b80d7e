"""Command line of the converter: ``python -m beam_kie.ocr.convert --help``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from beam_kie.escaping import printable
from beam_kie.ocr.convert.formats import read_file
from beam_kie.ocr.convert.found import FormatError, FoundPage, row_of, usable
from beam_kie.program import add_version, program_name


class _UsageError(Exception):
    """Something the caller has to change; the message is one line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Convert files.

    Args:
        argv: arguments without the program; those of the process where it is None.

    Returns:
        0 when the file is written, 2 for a file that cannot be converted or impossible arguments.
    """
    args = _parser().parse_args(argv)
    try:
        rows = list(_rows(args))
        _write(Path(args.output), rows)
    except (_UsageError, OSError) as error:
        print(f"{_program()}: error: {printable(str(error))}", file=sys.stderr)
        return 2
    print(f"{len(rows)} pages in {printable(args.output)}")
    return 0


def _rows(args: argparse.Namespace) -> Iterator[str]:
    """The lines of the file for ``--ocr_lines``, one a page."""
    if args.uri and len(args.files) > 1:
        raise _UsageError("--uri is of one document: convert its file alone")
    seen: dict[tuple[str, int], str] = {}
    for name in args.files:
        try:
            pages = read_file(Path(name))
        except FormatError as error:
            raise _UsageError(f"{name}: {error}") from error
        for page in pages:
            uri = _uri_of(page, args, name)
            if other := seen.get((uri, page.page)):
                raise _UsageError(f"{name}: page {page.page} of {uri} is there twice (also in {other})")
            seen[uri, page.page] = name
            if lost := len(page.lines) - len(usable(page)):
                left_out = f"page {page.page}: {lost} lines without text or area left out"
                print(f"{_program()}: {printable(name)}: {left_out}", file=sys.stderr)
            yield row_of(page, uri)


def _uri_of(page: FoundPage, args: argparse.Namespace, name: str) -> str:
    uri = args.uri or page.uri
    if not uri:
        raise _UsageError(f"{name}: it does not name its document: give --uri")
    if args.scans and not args.uri:
        uri = f"{args.scans.rstrip('/')}/{uri.replace(chr(92), '/').rpartition('/')[2]}"
    return uri


def _write(path: Path, rows: list[str]) -> None:
    """Write the whole file or nothing."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        new.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(),
        description="Turns what other OCR wrote into the JSON lines that --ocr_lines takes. Formats, known "
        "by their content: PaddleOCR (JSON of version 3, lists of version 2, label files), hOCR, ALTO, "
        "Google Document AI, Amazon Textract, Azure Document Intelligence.",
        allow_abbrev=False,
    )
    add_version(parser)
    parser.add_argument("files", nargs="+", metavar="FILE", help="what the OCR wrote")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the file for --ocr_lines")
    parser.add_argument(
        "--uri",
        metavar="URI",
        help="the document, as the job finds it, where FILE does not say it or says it otherwise",
    )
    parser.add_argument(
        "--scans",
        metavar="FOLDER",
        help="where the pictures that FILE names lie; their own folders are left out",
    )
    return parser


def _program() -> str:
    return program_name("python -m beam_kie.ocr.convert", "convert")


if __name__ == "__main__":
    sys.exit(main())
