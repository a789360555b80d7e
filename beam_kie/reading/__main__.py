"""The command ``beam-kie read FILE ...``: prints the pairs of documents, and writes nothing.

Without the package installed: ``python -m beam_kie.reading``.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence

from beam_kie.document import DocumentError
from beam_kie.escaping import printable
from beam_kie.imaging.page_source import PdfTextLayer
from beam_kie.ocr import Engine
from beam_kie.options import DEVICES, from_values
from beam_kie.program import add_version, program_name
from beam_kie.reading.document import read
from beam_kie.reading.models import models_of
from beam_kie.reading.options import ReadOptions
from beam_kie.reading.results import Pair, ReadDocument
from beam_kie.tables.text_table import text_table

OK, FAILED, BAD_OPTIONS = 0, 1, 2

_DESCRIPTION = """
Prints which key on a page belongs to which value, without a run: no folder is written. Files are read in
this process; for files of strangers use the job, which isolates pages.
"""
_EPILOG = """
Exit codes: 0 all pages were read; 1 a file or page could not be read; 2 wrong arguments.
"""
_CSV_COLUMNS = ("file", "page", "key", "value", "confidence", "doubtful", "type", "normalised", "currency")


def main(argv: Sequence[str] | None = None) -> int:
    """Read files and print what was found.

    Args:
        argv: arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0; 1 where a file or page could not be read; 2 for wrong arguments.
    """
    arguments = _parser().parse_args(argv)
    try:
        options = _options(arguments)
        models_of(options)
    except (ValueError, FileNotFoundError, ImportError) as error:
        _complain(f"error: {error}")
        return BAD_OPTIONS
    documents, failed = [], False
    for name in arguments.files:
        try:
            document = read(name, options=options)
        except DocumentError as error:
            _complain(f"{name}: {error.category}: {error.message}")
            failed = True
            continue
        for failure in document.failures:
            _complain(f"{name}, page {failure.page or '-'}: {failure.category}: {failure.message}")
            failed = True
        if arguments.json:
            print(json.dumps(document.to_dict(), ensure_ascii=False), flush=True)
        documents.append(document)
    if arguments.csv:
        _write_csv(documents, arguments.doubtful)
    elif not arguments.json and documents:
        print(_table(documents, arguments.doubtful))
    return FAILED if failed else OK


def _complain(message: str) -> None:
    print(f"{_program()}: {printable(message)}", file=sys.stderr)


def _options(arguments: argparse.Namespace) -> ReadOptions:
    """The options of the command line; no pictures are made."""
    names = ("model", "re_model", "device", "ocr_engine", "ocr_languages", "pdf_text_layer", "max_pages")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    return from_values(ReadOptions, given | {"preview_side": None})


def _table(documents: Sequence[ReadDocument], doubtful: float) -> str:
    """The pairs of all documents, and a line with their number."""
    rows, marked = [], 0
    for document in documents:
        for pair in document.pairs:
            mark = " ?" if pair.confidence < doubtful else ""
            marked += bool(mark)
            cells = [str(pair.page), pair.key or "", pair.value or "", f"{pair.confidence:.2f}{mark}"]
            rows.append([_file_name(document), *cells] if len(documents) > 1 else cells)
    header = ["page", "key", "value", "confidence"]
    table = text_table(["file", *header] if len(documents) > 1 else header, rows)
    pages = sum(len(document.pages) for document in documents)
    end = f"{len(rows)} rows of {pages} page{'s' if pages != 1 else ''}"
    return f"{table}\n{end}; {marked} below {doubtful:g} are marked with ?"


def _write_csv(documents: Sequence[ReadDocument], doubtful: float) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for document in documents:
        writer.writerows(_csv_row(document.name, pair, doubtful) for pair in document.pairs)


def _csv_row(name: str, pair: Pair, doubtful: float) -> list[object]:
    is_doubtful = str(pair.confidence < doubtful).lower()
    plain = (pair.value_type, pair.normalised, pair.currency)
    return [name, pair.page, pair.key, pair.value, pair.confidence, is_doubtful, *plain]


def _file_name(document: ReadDocument) -> str:
    return document.name.rsplit("/", 1)[-1]


def _ratio(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(), description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False
    )
    add_version(parser)
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures and PDF files")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a file: lines, entities, pairs")
    form.add_argument("--csv", action="store_true", help="one CSV row a pair")
    parser.add_argument(
        "--doubtful",
        type=_ratio,
        default=0.5,
        metavar="RATIO",
        help="mark pairs that are less certain (default: 0.5)",
    )
    parser.add_argument("--model", metavar="REF", help="as in the job (default: bundled)")
    parser.add_argument("--re_model", metavar="REF", help="as in the job (default: that of --model)")
    parser.add_argument("--device", choices=DEVICES, help="where the model runs (default: auto)")
    parser.add_argument("--ocr_engine", choices=[each.value for each in Engine], help="as in the job")
    parser.add_argument("--ocr_languages", metavar="CODES", help="as in the job, for ppocr")
    parser.add_argument(
        "--pdf_text_layer",
        nargs="?",
        const="auto",
        choices=[each.value for each in PdfTextLayer],
        help="the text that PDF files hold, as in the job (default: auto)",
    )
    parser.add_argument("--max_pages", type=int, metavar="N", help="pages of a file (default: 2000)")
    return parser


def _program() -> str:
    return program_name("python -m beam_kie.reading", "read")


if __name__ == "__main__":
    sys.exit(main())
