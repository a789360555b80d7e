"""What a child does with a file: open it, decode its pages, read their text, keep small pictures of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from beam_kie.document import (
    Category,
    Document,
    DocumentError,
    FailedPage,
    Failure,
    PageText,
    Stage,
)
from beam_kie.failures import failure_of
from beam_kie.imaging.decode import open_pages
from beam_kie.imaging.limits import check_file_size
from beam_kie.imaging.page_source import PageSource, decoding_error
from beam_kie.imaging.sniffing import sniff_format
from beam_kie.ocr import Engine, OcrEngine, PreparedEngine, create_engine
from beam_kie.ocr.given import GivenLinesEngine
from transforms.stages.children.memory import MIB
from transforms.stages.children.messages import (
    NotOpened,
    OpenDocument,
    Opened,
    PageRead,
    ReaderSettings,
)
from transforms.stages.pictures import add_pictures, failed_page, mark_damaged

_ADVICE = "Open the file in a viewer and save it anew."


class PageReader:
    """Reads the pages of one file after the other; for one thread."""

    def __init__(self, settings: ReaderSettings):
        """Load the OCR engine.

        Args:
            settings: how to read.

        Raises:
            ValueError: OCR options do not go together.
            FileNotFoundError: a model is missing.
        """
        self._settings = settings
        self._fallback: OcrEngine | None = None
        if settings.ocr.engine is not Engine.NONE:
            self._fallback = create_engine(settings.ocr)
        self._engine: OcrEngine = GivenLinesEngine(fallback=self._fallback)
        self._document_id = self._uri = ""
        self._source: PageSource | None = None

    def prepare(self) -> Iterator[None]:
        """Load what the first page would wait for, a little for each step."""
        if isinstance(self._fallback, PreparedEngine):
            yield from self._fallback.prepare()

    def open(self, request: OpenDocument) -> Opened | NotOpened:
        """Open a file in place of the one before.

        Args:
            request: the file.

        Returns:
            What is known of it now, or its failure.
        """
        self.close()
        self._document_id, self._uri = request.document_id, request.uri
        file_format = None
        try:
            file_format = sniff_format(request.data)
            self._source = self._opened(request.data, file_format)
        except Exception as error:
            document = Document(request.document_id, request.uri)
            failure = failure_of(error, document, Stage.DECODE, Category.FILE_CORRUPT, _ADVICE)
            return NotOpened(file_format, self._within_budget(failure))
        given = {(request.uri, page): lines for page, lines in request.given.items()}
        self._engine = GivenLinesEngine(given, fallback=self._fallback)
        remark = self._source.remark
        return Opened(
            file_format,
            self._source.page_count,
            None if remark is None else self._failure(self._source.page_count, remark),
        )

    def read(self, index: int, step: Callable[[Stage], None] = lambda stage: None) -> PageRead:
        """Decode and read a page of the open file.

        Args:
            index: of the page, from 0.
            step: called when another stage than DECODE begins.

        Returns:
            The page; a Failure where it cannot be decoded, a FailedPage where it cannot be read.

        Raises:
            RuntimeError: no file is open.
        """
        if self._source is None:
            raise RuntimeError("no file is open")
        seconds: dict[str, float] = {}
        try:
            with _Timer(seconds, "decode"):
                page = self._source.read(index)
        except Exception as error:  # decoders raise anything on hostile bytes: it is the page's alone
            return PageRead(self._failure(index, decoding_error(error)), seconds)
        damage = page.damage and self._failure(index, page.damage)
        image = page.image(self._document_id, self._uri, index + 1, damage)
        del page
        step(Stage.OCR)
        outcome: PageText | FailedPage
        with _Timer(seconds, "ocr"):
            try:
                (outcome,) = self._engine.read([image])
            except Exception as error:
                outcome = failed_page(image, error)
                outcome = replace(outcome, failure=self._within_budget(outcome.failure))
        if self._settings.pictures is not None or self._settings.preview_side is not None:
            with _Timer(seconds, "preview"):
                outcome = add_pictures(image, outcome, self._settings.pictures, self._settings.preview_side)
        return PageRead(mark_damaged(image, outcome), seconds, damage)

    def close(self) -> None:
        """Close the file, if one is open."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _opened(self, data: bytes, file_format: str) -> PageSource:
        settings = self._settings
        check_file_size(len(data), settings.limits.max_file_bytes)
        return open_pages(data, file_format, settings.limits, settings.pdf_dpi, settings.pdf_text_layer)

    def _failure(self, index: int, error: DocumentError) -> Failure:
        what = (error.category, error.message, error.retryable)
        return self._within_budget(Failure(self._document_id, self._uri, index + 1, Stage.DECODE, *what))

    def _within_budget(self, failure: Failure) -> Failure:
        """The failure; where memory ran out, it was the child's budget that did, not the machine's memory."""
        if failure.category is not Category.OUT_OF_MEMORY:
            return failure
        message = (
            f"it needs more memory than --page_memory_mb {self._settings.memory_bytes // MIB}: raise that "
            "option, or scan or export it again"
        )
        return replace(failure, category=Category.PAGE_TOO_LARGE, message=message, retryable=False)


class _Timer:
    """Notes in ``seconds`` how long its ``with`` block took."""

    def __init__(self, seconds: dict[str, float], stage: str):
        self._seconds = seconds
        self._stage = stage

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_error: object) -> None:
        self._seconds[self._stage] = time.perf_counter() - self._started
