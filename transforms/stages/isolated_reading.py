"""From files to the text of their pages, with all that touches foreign bytes done in child processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.typehints.decorators import with_input_types, with_output_types
from apache_beam.utils.shared import Shared

from beam_kie.document import (
    Document,
    FailedPage,
    Failure,
    PageText,
    SourceFile,
    Stage,
    StageTime,
)
from beam_kie.ocr import Engine, RapidocrBackend
from beam_kie.ocr.devices import chosen, ocr_device
from beam_kie.ocr.given import GivenPage
from transforms.config import JobConfig, Overlays, PageIsolation
from transforms.metrics import StageTimer, count, count_failure, observe, read_now
from transforms.progress import record
from transforms.ptransform import Transform
from transforms.stages.children import pool as pools
from transforms.stages.children.child import Budget
from transforms.stages.children.documents import read_document, read_range
from transforms.stages.children.memory import MIB, default_budget_bytes
from transforms.stages.children.messages import NotOpened, OpenDocument, Opened, PageRead, ReaderSettings
from transforms.stages.given_lines import given_pages
from transforms.stages.page_ranges import RANGES, LongFile, PageRange, cut, long_file, range_failures
from transforms.stages.reading import (
    DOCUMENTS,
    FAILURES,
    TIMES,
    GivenFile,
    describe,
    document_failure,
    read_source,
    record_opened,
)

_MOST_CHILDREN = 8
"""More of them in one process are not kept busy: a runner's threads hand them one document at a time."""


class ReadPages(Transform):
    """Read files and the text on their pages: PCollection[SourceFile | PageRange] to five PCollections.

    ``pages`` PageText, or FailedPage where a decoded page could not be read; ``documents`` one Document per
    file, also for files that failed; ``failures`` Failure; ``times`` StageTime. A file that is too long is
    not read and has no Document: its ``ranges`` PageRange are still to be read. Where PageRanges are read,
    ``ranges`` are those that were read to their end.

    Args:
        config: the job.
        pictures: what the model takes beside the text, as of ``LayoutXLMConfig.pictures``; None: text only.
        of_ranges: whether PageRanges are read.
        shared: for what steps of the same process share; None: nothing is shared.
    """

    def __init__(
        self,
        config: JobConfig,
        pictures: str | None = None,
        of_ranges: bool = False,
        shared: Shared | None = None,
    ):
        super().__init__()
        self.read = (ReadRangesFn if of_ranges else ReadPagesFn)(config, pictures, shared or Shared())

    def expand(self, sources):
        """Wire the one DoFn; pages are its main output."""
        read = beam.ParDo(self.read).with_outputs(DOCUMENTS, FAILURES, TIMES, RANGES, main="pages")
        return sources | "Read in children" >> read


class _ReadFn(beam.DoFn):
    """Has pages read by children of this process.

    Args:
        config: the job.
        pictures: what the model takes beside the text, as of ``LayoutXLMConfig.pictures``; None: text only.
        shared: for what steps of the same process share.
    """

    starts_children = True

    def __init__(self, config: JobConfig, pictures: str | None, shared: Shared):
        self._config = config
        self._pictures = pictures
        self._shared = shared

    def setup(self) -> None:
        """Have the children started and the user's own lines read, once per process."""
        settings, budget, size = pool_arguments(self._config, self._pictures)
        self._pool = pools.acquire(settings, budget, size, self.starts_children)
        self._lines = self._shared.acquire(lambda: _Lines(self._config.ocr_lines))

    def teardown(self) -> None:
        """End the children with their last user."""
        pools.release(self._pool)

    def _page(self, page: PageRead) -> Iterator[PageText | FailedPage | TaggedOutput]:
        if "ocr" in page.seconds:
            observe("ocr_batch_pages", 1)
        last = list(page.seconds)[-1] if page.seconds else None
        for stage, seconds in page.seconds.items():
            observe(f"{stage}_ms", seconds * 1000)
            yield TaggedOutput(TIMES, StageTime(stage, seconds, 1, read_now(1) if stage == last else ()))
        if page.damage is not None:
            count_failure(page.damage)
            yield TaggedOutput(FAILURES, page.damage)
        if not isinstance(page.outcome, Failure):
            count("pages_decoded")
            yield page.outcome
            return
        count("pages_failed")
        count_failure(page.outcome)
        record(self._config.scratch, pages_ok=0, pages_failed=1)
        yield TaggedOutput(FAILURES, page.outcome)


@with_input_types(SourceFile | GivenFile)
@with_output_types(
    PageText | FailedPage, documents=Document, failures=Failure, times=StageTime, ranges=PageRange
)
class ReadPagesFn(_ReadFn):
    """Reads one file, and has its pages read by children of this process."""

    def process(self, source: SourceFile | GivenFile) -> Iterator[PageText | FailedPage | TaggedOutput]:
        """Yield the document, its pages, its failures and the times that they took, or its ranges."""
        count("documents")
        with StageTimer("read") as timer:
            known, data = read_source(source, self._config)
        yield TaggedOutput(TIMES, timer.spent())
        document = describe(known, data if isinstance(data, bytes) else None)
        if not isinstance(data, bytes):
            record_opened(self._config, None)
            yield TaggedOutput(FAILURES, document_failure(document, Stage.READ, data))
            yield TaggedOutput(DOCUMENTS, document)
            return
        count("bytes_read", len(data))
        request = OpenDocument(document.document_id, document.uri, data, self._lines.of(document.uri))
        del data
        limit, most = self._config.limits.max_pages, self._config.ranges.range_pages
        for event in read_document(self._pool, request, limit, most):
            if isinstance(event, PageRead):
                yield from self._page(event)
                continue
            record_opened(self._config, event.page_count if isinstance(event, Opened) else None)
            document = _opened(document, event)
            if isinstance(event, NotOpened):
                count_failure(event.failure)
                yield TaggedOutput(FAILURES, event.failure)
        if ranges := cut(document, self._config):
            yield from (TaggedOutput(RANGES, part) for part in ranges)
            return
        # Behind everything else: where it is known, the file was read to its end.
        yield TaggedOutput(DOCUMENTS, document)


@with_input_types(PageRange)
@with_output_types(
    PageText | FailedPage, documents=Document, failures=Failure, times=StageTime, ranges=PageRange
)
class ReadRangesFn(_ReadFn):
    """Reads some pages of a long file as ``ReadPagesFn`` reads all of a short one."""

    # Those of ReadPagesFn are there. Most runs have no long file.
    starts_children = False
    _file: LongFile | None = None

    def process(self, part: PageRange) -> Iterator[PageText | FailedPage | TaggedOutput]:
        """Yield the pages of a range, their failures and the times that they took; at its end, the range.

        Args:
            part: of a document that was opened before.
        """
        document, config = part.document, self._config
        # Held until the next range, which may be of the same file.
        self._file = long_file(document)
        with StageTimer("read") as timer:
            data = self._file.read(document, config)
        yield TaggedOutput(TIMES, timer.spent())
        if isinstance(data, bytes):
            lines = self._lines.of(document.uri)
            wanted = {page: lines[page] for page in range(part.first, part.last + 1) if page in lines}
            request = OpenDocument(document.document_id, document.uri, data, wanted)
            del data
            for page in read_range(self._pool, request, part.first, part.last, config.limits.max_pages):
                yield from self._page(page)
        else:
            for failure in range_failures(part, Stage.READ, data):
                yield from self._page(PageRead(failure))
        # Behind everything else: where it is known, the range was read to its end.
        yield TaggedOutput(RANGES, part)

    def finish_bundle(self) -> None:
        """Give the file back."""
        self._file = None


class _Lines:
    """The user's own lines by file; an object that ``Shared`` can hold."""

    def __init__(self, path: str | None):
        self._pages: dict[str, dict[int, GivenPage]] = {}
        for (uri, page), lines in given_pages(path).items():
            self._pages.setdefault(uri, {})[page] = lines

    def of(self, uri: str) -> Mapping[int, GivenPage]:
        """The lines of one file by page, from 1."""
        return self._pages.get(uri, {})


def isolates_pages(config: JobConfig) -> bool:
    """Whether the run reads pages in child processes.

    Args:
        config: the job.
    """
    if config.page_isolation is not PageIsolation.AUTO:
        return config.page_isolation is PageIsolation.ON
    return not _may_use_gpu(config)


def _may_use_gpu(config: JobConfig) -> bool:
    """Whether OCR may run on a GPU: there one engine with batches of pages serves a process best."""
    ocr = chosen(config.ocr)
    on_cpu = ocr.engine is Engine.RAPIDOCR and ocr.rapidocr_backend is RapidocrBackend.OPENVINO
    if ocr.engine is Engine.NONE or on_cpu or ocr.device == "cpu":
        return False
    return ocr.device != "auto" or config.gpu_type is not None or ocr_device(ocr) != "cpu"


def pool_arguments(config: JobConfig, pictures: str | None) -> tuple[ReaderSettings, Budget, int]:
    """The arguments of the pool of children in this process.

    The children share the process's cores, as the threads of OCR would. Where a process has more cores than
    children, each child has several OCR threads.

    Args:
        config: the run's.
        pictures: what the model looks at (KieModel.pictures).

    Returns:
        How children read, what a page may cost, and how many children there are.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = config.ocr.threads or max(1, cores // config.workers_a_machine)
    size = min(share, _MOST_CHILDREN)
    # Processes side by side share the cores: together they have as many children as there are cores.
    memory = config.page_memory_mb * MIB or default_budget_bytes(
        max(min(cores, 64), size), config.limits.max_pixels
    )
    # Decided here once: a child would import PyTorch only to look for a GPU.
    device = "cpu" if config.ocr.device == "auto" and not _may_use_gpu(config) else config.ocr.device
    settings = ReaderSettings(
        ocr=replace(config.ocr, threads=max(1, share // size), device=device),
        limits=config.limits,
        pdf_dpi=config.pdf_dpi,
        pdf_text_layer=config.pdf_text_layer,
        pictures=pictures,
        preview_side=None if config.overlays is Overlays.NONE else config.overlay_max_side,
        memory_bytes=memory,
    )
    return settings, Budget(config.page_timeout_s, memory), size


def _opened(document: Document, event: Opened | NotOpened) -> Document:
    """The document as it is known once a child has opened it, or has tried to."""
    if isinstance(event, Opened):
        return replace(document, format=event.format, page_count=event.page_count)
    return replace(document, format=event.format)
