"""Manifests: lists of the files to read, as text or as tables, in the ways that programs write them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import cast

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.storage.retries import reason
from transforms.storage.uris import absolute_uri

_TABLES = (".csv", ".tsv")
_DELIMITERS = (",", ";", "\t")
# Heads of the column with the URIs, the likeliest first.
_HEADS = ("uri", "url", "path", "file_path", "filepath", "file", "filename", "file_name", "scan", "image")
# Bytes or characters; a small archive could hold a line that takes all memory.
_LONGEST_LINE = 1_000_000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class InputError(ValueError):
    """An input that cannot be read; the message is one line that says which and what to do."""


class _Wrong(Exception):
    """What is wrong with a line of a manifest, and its number."""

    def __init__(self, line: int, problem: str):
        super().__init__(f"line {line}: {problem}")


def read_manifest(path: str) -> Iterator[str]:
    """The URIs that a manifest lists, one at a time, in its order; duplicates are kept.

    A name that ends in .csv or .tsv (or that with .gz) is a table, with commas, semicolons or tabs: its
    column ``uri`` (or url, path, file, ...), or else its first column. Anything else is text with one URI a
    line. Blank lines and lines that begin with ``#`` are passed over. The encoding is UTF-8, or UTF-16 where
    the file begins with its mark.

    Args:
        path: of the manifest, a local path or URI.

    Raises:
        InputError: the manifest cannot be read, or a line of it cannot be used.
    """
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
            # Beam's own decompressing reader cannot be wrapped as text.
            data = gzip.GzipFile(fileobj=stream) if path.lower().endswith(".gz") else stream
            yield from manifest_uris(path, _lines(io.BufferedReader(cast(io.RawIOBase, data))))
    except InputError:
        raise
    except _Wrong as wrong:
        raise InputError(f"manifest {path!r}, {wrong}") from None
    except (EOFError, zlib.error) as error:
        raise InputError(f"manifest {path!r} is cut off or damaged: copy it again") from error
    except (OSError, BeamIOError, ValueError) as error:
        raise InputError(f"cannot read the manifest {path!r}: {reason(error)}") from error


def manifest_uris(name: str, lines: Iterable[str]) -> Iterator[str]:
    """The URIs in the lines of a manifest; see ``read_manifest``.

    Args:
        name: of the manifest; its end says what it is.
        lines: of the manifest, all of them.

    Raises:
        InputError: a line cannot be used.
    """
    is_table = re.sub(r"\.gz$", "", name.lower()).endswith(_TABLES)
    try:
        for number, value in (_cells if is_table else _texts)(_numbered(lines)):
            if "\0" in value:
                raise _Wrong(number, "it holds a zero byte; is it text?")
            yield absolute_uri(value)
    except _Wrong as wrong:
        raise InputError(f"manifest {name!r}, {wrong}") from None


def _lines(stream: io.BufferedReader) -> Iterator[str]:
    """The lines of a file, whatever ends them, decoded one by one so that a wrong one is known."""
    if stream.peek(len(codecs.BOM_UTF16_LE)).startswith(_UTF16):
        yield from _utf16_lines(io.TextIOWrapper(stream, encoding="utf-16"))
        return
    for number, data in enumerate(_byte_lines(stream), start=1):
        try:
            line = data.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise _Wrong(number, "it is not UTF-8 text: save the file as UTF-8") from None
        yield (line.removeprefix("\ufeff") if number == 1 else line) + "\n"


def _utf16_lines(text: io.TextIOWrapper) -> Iterator[str]:
    read = 0
    try:
        while line := text.readline(_LONGEST_LINE + 1):
            read += 1
            if len(line) > _LONGEST_LINE:
                raise _too_long(read)
            yield line
    except UnicodeError:
        raise _Wrong(read + 1, "from about there it is not UTF-16 text: save it as UTF-8") from None


def _byte_lines(stream: io.BufferedReader) -> Iterator[bytes]:
    """Lines with their ends; files of old Macs end them with a carriage return alone."""
    rest, read = b"", 0
    while data := stream.readline(_LONGEST_LINE):
        lines = (rest + data).splitlines(keepends=True)
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        yield from lines
        read += len(lines)
        if len(rest) > _LONGEST_LINE:
            raise _too_long(read + 1)
    if rest:
        yield rest


def _too_long(line: int) -> _Wrong:
    return _Wrong(line, f"it has more than {_LONGEST_LINE:,} characters; is this a list of files?")


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines from 1, those that say nothing left out."""
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


# ---------------------------------------------------------------- text


def _texts(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for index, (number, line) in enumerate(lines):
        value = line.strip()
        if index == 0 and re.fullmatch(r"[\"']?ur[il][\"']?", value, re.IGNORECASE):
            continue
        if "\t" in value or (index == 0 and re.match(r"[\"']?ur[il][\"']?[;,]", value, re.IGNORECASE)):
            raise _Wrong(number, "it is of a table: let the manifest's name end in .csv or .tsv")
        yield number, value


# ---------------------------------------------------------------- tables


def _cells(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The number and text of the cells with URIs."""
    first = next(lines, None)
    if first is not None and (given := re.fullmatch(r"sep=([,;\t])", first[1].strip("\r\n"))):
        # Excel's way of naming the delimiter.
        delimiter, first = given[1], next(lines, None)
    else:
        delimiter = None if first is None else _delimiter(*first)
    if first is None or delimiter is None:
        return
    head_number, head_line = first
    head = _split(head_number, head_line, delimiter)
    column, is_head = _column(head)
    if not is_head:
        yield head_number, head[0]
    seen = not is_head
    for number, line in lines:
        row = _split(number, line, delimiter)
        if any(cell.strip() for cell in row[len(head) :]):
            raise _Wrong(
                number, f"{len(row)} cells, where the first line has {len(head)}; a comma in a name is quoted"
            )
        value = row[column] if len(row) > column else ""
        if not value.strip():
            continue
        if not seen and head[column].strip().lower() not in _HEADS and not re.search(r"[./\\]", value):
            raise _Wrong(number, "its first cell is no path or URI: call the column with the URIs uri")
        seen = True
        yield number, value


def _delimiter(number: int, line: str) -> str:
    """What separates the cells of a table, by its first line."""
    found = {mark: _split(number, line, mark, strict=False) for mark in _DELIMITERS}
    with_head = [mark for mark, cells in found.items() if {_name(cell) for cell in cells} & {"uri", "url"}]
    several = [mark for mark, cells in found.items() if len(cells) > 1]
    candidates = [mark for mark in with_head if mark in several] or ([","] if with_head else several) or [","]
    if len(candidates) > 1:
        raise _Wrong(
            number, "its cells are separated in two ways: begin with a line of heads, one of them uri"
        )
    return candidates[0]


def _column(head: list[str]) -> tuple[int, bool]:
    """The column with the URIs, and whether the first line is one of heads rather than of a file."""
    names = [_name(cell) for cell in head]
    known = next((names.index(name) for name in _HEADS if name in names), None)
    if known is not None:
        return known, True
    return 0, not re.search(r"[./]", head[0])


def _name(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_")


def _split(number: int, line: str, delimiter: str, strict: bool = True) -> list[str]:
    try:
        rows = list(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=strict))
    except csv.Error as error:
        problem = "a quote is not closed" if "unexpected end" in str(error) else str(error)
        raise _Wrong(number, f"{problem}; is it a table of text?") from None
    return rows[0] if rows else [""]
