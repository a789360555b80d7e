"""A whole document through the children: page after page, also where pages end the child that reads them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace

from beam_kie.document import Category, DocumentError, FailedPage, Failure, Stage
from beam_kie.imaging.decode import sniff_format, too_many_pages
from transforms.stages.children.child import Child, ChildLostError
from transforms.stages.children.messages import NotOpened, OpenDocument, Opened, PageRead, ReadPage
from transforms.stages.children.pool import Pool

MOST_KILLS = 2
"""A document that has cost so many children is left alone."""

# A document may take the time of one page for every so many pages, and for these more.
_PAGES_PER_LIMIT = 4
_MORE_LIMITS = 2

# Every page counts in the times of decoding, also one that is only told about.
_NO_TIME = {"decode": 0.0}

# Nobody sees it: the reader of the pages has gone before this one was begun.
_UNWANTED = ChildLostError(Category.PAGE_CRASHED, "nobody waits for the page", Stage.DECODE)


def read_document(
    pool: Pool, document: OpenDocument, max_pages: int, most: int = 0
) -> Iterator[Opened | NotOpened | PageRead]:
    """Read a document in child processes.

    Pages of one document are read in parallel where children are idle. A page that ends its child is a
    Failure, and reading goes on with the next; a document that ends two is left alone, and each of its
    other pages gets a Failure too. Pages past ``max_pages`` are left out, which one Failure for the first of
    them says; so is what follows a break in the file (``Opened.remark``).

    Args:
        pool: the children, and the budget of a page.
        document: the file.
        max_pages: how many pages are read, at least 1.
        most: of a document with more pages to read, none is read: it is to be cut; 0: of none.

    Yields:
        Opened and a PageRead for every page in order, or only NotOpened; of a document that is to be cut,
        only Opened.

    Raises:
        ChildrenUnusableError: no child can be started.
    """
    reading = _Reading(pool, document)
    try:
        opened = reading.open()
        yield opened
        if isinstance(opened, Opened) and not 0 < most < min(opened.page_count, max_pages):
            yield from reading.pages(0, min(opened.page_count, max_pages))
            yield from _remarks(document, opened, max_pages)
    finally:
        reading.close()


def read_range(
    pool: Pool, document: OpenDocument, first: int, last: int, max_pages: int
) -> Iterator[PageRead]:
    """Read some pages of a document in child processes, as ``read_document`` does.

    What is wrong behind the last page that is read comes with the range that ends there. A document that
    cannot be opened any more is a Failure of each page of the range.

    Args:
        pool: the children, and the budget of a page.
        document: the file, which was opened before.
        first: the first page, from 1.
        last: the last page, at most ``max_pages``.
        max_pages: how many pages are read of the whole document, at least 1.

    Yields:
        A PageRead for every page in order.

    Raises:
        ChildrenUnusableError: no child can be started.
    """
    reading = _Reading(pool, document)
    try:
        opened = reading.open(last - first + 1)
        if isinstance(opened, NotOpened):
            failures = (replace(opened.failure, page=page) for page in range(first, last + 1))
            yield from (PageRead(failure, _NO_TIME) for failure in failures)
            return
        yield from reading.pages(first - 1, last)
        if last == min(opened.page_count, max_pages):
            yield from _remarks(document, opened, max_pages)
    finally:
        reading.close()


class _Reading:
    """The children that a document has, and what it has cost so far."""

    def __init__(self, pool: Pool, document: OpenDocument):
        self._pool = pool
        self._document = document
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._pending: deque[Future[PageRead]] = deque()
        self._seconds_left = float("inf")
        self._kills: list[int] = []
        self._left_alone: ChildLostError | None = None
        self._is_closed = False

    def open(self, page_count: int | None = None) -> Opened | NotOpened:
        """Open the file, of which so many pages are to be read; None: all."""
        child = self._pool.lend()
        try:
            try:
                opened = self._open_in(child)
            except ChildLostError as error:
                if child.is_fresh or error.category is not Category.PAGE_TOO_LARGE:
                    raise
                child = self._pool.renew(child)
                opened = self._open_in(child)
        except ChildLostError as error:
            return NotOpened(_format_of(self._document.data), self._failure(None, error, "the file: "))
        finally:
            self._put_back(child)
        if isinstance(opened, Opened):
            limits = _MORE_LIMITS + (page_count or opened.page_count) / _PAGES_PER_LIMIT
            self._seconds_left = self._pool.budget.seconds * limits
        return opened

    def pages(self, first: int, end: int) -> Iterator[PageRead]:
        """Pages in order, from index ``first`` to before ``end``; several at a time only in idle children."""
        following = first
        while following < end or self._pending:
            self._check_time(end - first)
            while following < end and self._left_alone is None and (child := self._child()) is not None:
                if following + 1 == end and not self._pending:
                    yield self._read(child, following)  # without the detour over another thread
                else:
                    self._pending.append(self._pool.threads.submit(self._read, child, following))
                following += 1
            if self._pending:
                yield self._pending.popleft().result()
            elif self._left_alone is not None:
                yield from map(self._skipped, range(following, end))
                return

    def _check_time(self, count: int) -> None:
        """Leave a document alone whose ``count`` pages have taken all of their time."""
        with self._lock:
            if self._seconds_left <= 0 and self._left_alone is None:
                self._left_alone = ChildLostError(
                    Category.PAGE_TIMEOUT,
                    f"{count:,} pages of it take too long together: raise --page_timeout_s, or split it",
                    Stage.DECODE,
                )

    def close(self) -> None:
        """Give all children back; those at work are ended, for nobody wants what they find."""
        with self._lock:
            self._is_closed = True
            busy = list(self._busy)
        for child in busy:
            child.end()
        for future in self._pending:
            if not future.cancel():
                future.exception()  # waits for its end
        for child in self._idle:
            self._pool.give_back(child)
        self._idle = []

    def _child(self) -> Child | None:
        """A child for the next page; None where one page or more is at work and no child is to spare."""
        with self._lock:
            child = self._idle.pop() if self._idle else None
        if not self._pending:
            return child or self._pool.lend()
        if child is not None and self._pool.is_wanted:
            self._pool.give_back(child)
            return None
        return child or self._pool.try_lend()

    def _read(self, child: Child, index: int) -> PageRead:
        with self._lock:
            if self._is_closed:
                self._idle.append(child)
                return PageRead(self._failure(index, _UNWANTED, ""))
            self._busy.add(child)
            seconds = min(self._pool.budget.seconds, self._seconds_left)
        started = time.monotonic()
        try:
            page = self._page(child, index, seconds)
            if page is None:
                # What it holds of other pages and files counted against this one: once more in a new child.
                child = self._renewed(child)
                page = self._page(child, index, seconds)
        except ChildLostError as error:
            return PageRead(self._lost(index, error), {"decode": time.monotonic() - started})
        finally:
            with self._lock:
                self._busy.discard(child)
                self._seconds_left -= time.monotonic() - started
            self._put_back(child)
        assert page is not None  # of a fresh child
        return page

    def _page(self, child: Child, index: int, seconds: float) -> PageRead | None:
        """A page; None where it took too much memory in a child that has read others before."""
        was_fresh, child.is_fresh = child.is_fresh, False
        try:
            if child.document is not self._document:
                self._open_in(child)
            page = child.ask(ReadPage(index), max(seconds, 0.0))
        except ChildLostError as error:
            if was_fresh or self._is_closed or error.category is not Category.PAGE_TOO_LARGE:
                raise
            return None
        if not isinstance(page, PageRead):
            raise TypeError(f"a child answered {type(page).__name__} to ReadPage")
        failure = page.outcome.failure if isinstance(page.outcome, FailedPage) else page.outcome
        is_too_large = isinstance(failure, Failure) and failure.category is Category.PAGE_TOO_LARGE
        return None if is_too_large and not was_fresh else page

    def _renewed(self, child: Child) -> Child:
        new = self._pool.renew(child)
        with self._lock:
            self._busy.discard(child)
            self._busy.add(new)
        return new

    def _open_in(self, child: Child) -> Opened | NotOpened:
        opened = child.ask(self._document, self._pool.budget.seconds)
        child.document = self._document
        if not isinstance(opened, Opened | NotOpened):
            raise TypeError(f"a child answered {type(opened).__name__} to OpenDocument")
        return opened

    def _put_back(self, child: Child) -> None:
        if not child.is_alive:
            self._pool.give_back(child)
            return
        with self._lock:
            self._idle.append(child)

    def _lost(self, index: int, error: ChildLostError) -> Failure:
        with self._lock:
            self._kills.append(index)
            if len(self._kills) >= MOST_KILLS:
                self._left_alone = self._left_alone or error
        return self._failure(index, error, "the page: ")

    def _skipped(self, index: int) -> PageRead:
        error = self._left_alone
        assert error is not None
        pages = " and ".join(str(page + 1) for page in sorted(self._kills))
        why = f"left unread, because reading page {pages} of this document was ended: "
        failure = self._failure(index, error, why if len(self._kills) >= MOST_KILLS else "left unread: ")
        return PageRead(replace(failure, stage=Stage.DECODE), _NO_TIME)

    def _failure(self, index: int | None, error: ChildLostError, what: str) -> Failure:
        page = None if index is None else index + 1
        return Failure(
            self._document.document_id,
            self._document.uri,
            page,
            error.stage,
            error.category,
            f"{what}{error.message}",
            error.retryable,
        )


def _format_of(data: bytes) -> str | None:
    """The format that the first bytes tell; None where it is not one that is read."""
    try:
        return sniff_format(data)
    except DocumentError:
        return None


def _remarks(document: OpenDocument, opened: Opened, max_pages: int) -> Iterator[PageRead]:
    """What is wrong behind the last page that is read."""
    if opened.page_count > max_pages:
        error = too_many_pages(opened.page_count, max_pages)
        yield PageRead(
            Failure(
                document.document_id,
                document.uri,
                max_pages + 1,
                Stage.DECODE,
                error.category,
                error.message,
                error.retryable,
            ),
            _NO_TIME,
        )
    if opened.remark is not None:
        yield PageRead(opened.remark, _NO_TIME)
