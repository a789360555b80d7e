"""The sink of overlays: pictures are written on the worker that holds the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.typehints.decorators import with_output_types

from beam_kie.document import Category, FailedPage, Failure, PageResult, PageText, Stage, StageTime
from beam_kie.failures import failure_of
from beam_kie.overlays.page import draw_failure, draw_overlay
from beam_kie.review.pictures import thumbnail
from beam_kie.tables.key_values import KEY_LABELS
from transforms.config import JobConfig
from transforms.metrics import StageTimer, count, count_failure
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.runs.resuming import KeptStream
from transforms.storage import files


def _id_in_path(path: str) -> str:
    return path.rsplit("/", 2)[-2]


def _path(_document_id: str, data: bytes) -> str:
    return data.decode()


def _page_in_path(path: str) -> int:
    return int(path.rpartition("/p")[2].removesuffix(".jpg"))


PICTURES = KeptStream("pictures", str, _id_in_path, str.encode, _path, _page_in_path)
"""How a run keeps the paths of pictures that are written."""

FAILURES = "failures"
TIMES = "times"

_ADVICE = "The tables are complete; check that --output can be written and run it again for the picture."


class WriteOverlays(Transform):
    """Draw and write pictures: PCollection[PageResult] or PCollection[FailedPage] to three PCollections.

    ``paths`` of the pictures; ``failures`` of pages whose picture could not be made or written (the page's
    rows are not touched by it); ``times`` StageTime.

    Args:
        config: of the job.
        key_labels: the labels of keys.
    """

    def __init__(self, config: JobConfig, key_labels: Sequence[str] = KEY_LABELS):
        super().__init__()
        self.config = config
        self.key_labels = tuple(key_labels)

    def expand(self, pages):
        """Wire the one DoFn; paths are its main output."""
        write = beam.ParDo(WriteOverlayFn(self.config, self.key_labels))
        return pages | "Draw picture" >> write.with_outputs(FAILURES, TIMES, main="paths")


@with_output_types(str, failures=Failure, times=StageTime)
class WriteOverlayFn(beam.DoFn):
    """Draws one page and writes its JPEG; a rerun replaces it.

    Args:
        config: of the job.
        key_labels: the labels of keys.
    """

    def __init__(self, config: JobConfig, key_labels: Sequence[str] = KEY_LABELS):
        self._config = config
        self._key_labels = key_labels

    def process(self, page: PageResult | FailedPage) -> Iterator[str | TaggedOutput]:
        """Yield the path of the picture, or its failure, and the time that it took.

        Args:
            page: with a preview to draw on.
        """
        with StageTimer("overlay") as timer:
            try:
                yield self._write(page.page, self._draw(page))
                if self._config.review:
                    self._write_clean(page.page)
            except Exception as error:
                yield TaggedOutput(FAILURES, _failure(page.page, error))
        yield TaggedOutput(TIMES, timer.spent())

    def _draw(self, page: PageResult | FailedPage) -> bytes:
        side = self._config.overlay_max_side
        if isinstance(page, FailedPage):
            return draw_failure(page, side)
        return draw_overlay(page, side, self._key_labels)

    def _write(self, page: PageText, picture: bytes) -> str:
        path = paths.overlay_path(self._config.output, self._config.run_id, page.document_id, page.page)
        self._write_file(path, picture)
        count("overlays_written")
        return path

    def _write_clean(self, page: PageText) -> None:
        """What the review page shows: the page without marks, and a small picture of it for lists."""
        config, place = self._config, (page.document_id, page.page)
        assert page.preview is not None  # the overlay was drawn on it
        for path, picture in (
            (paths.review_picture_path(config.output, config.run_id, *place), page.preview),
            (paths.review_thumbnail_path(config.output, config.run_id, *place), thumbnail(page.preview)),
        ):
            self._write_file(path, picture)

    def _write_file(self, path: str, data: bytes) -> None:
        # What a process that is killed leaves of a picture is then removed with the scratch folder: --resume
        # need not look through the folders of all documents for it.
        files.write_bytes(path, data, self._config.storage_timeout_s, unfinished_in=self._config.scratch)


def _failure(page: PageText, error: Exception) -> Failure:
    transient = files.is_transient(error)
    failure = failure_of(error, page, Stage.OVERLAY, Category.OVERLAY_FAILED, _ADVICE, retryable=transient)
    count_failure(failure)
    return failure
