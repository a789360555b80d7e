"""The user's own OCR (``--ocr_lines``), wherever its file lies."""

from __future__ import annotations

import io

from apache_beam.io.filesystems import FileSystems

from beam_kie.ocr.given import GivenPage, PageKey, read_lines_file
from transforms.storage.uris import absolute_uri


def given_pages(path: str | None) -> dict[PageKey, GivenPage]:
    """The user's own lines by URI and page, from 1; a URI in the file may be written as on the command line.

    Args:
        path: of the file, a local path or URI; None: there is none.

    Raises:
        LinesFileError: a line of the file cannot be used.
        OSError: the file cannot be read.
    """
    if path is None:
        return {}
    with FileSystems.open(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as text:
        return read_lines_file(text, absolute_uri)
