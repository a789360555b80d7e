"""The text of pages through Beam's RunInference: one engine per process, one page's failure stays its own."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystems import FileSystems
from apache_beam.ml.inference.base import ModelHandler, RunInference
from apache_beam.pvalue import TaggedOutput

from beam_kie.document import Category, FailedPage, Failure, PageImage, PageText, Stage, StageTime
from beam_kie.imaging.decode import encode_preview, upright
from beam_kie.layoutxlm.images import with_picture
from beam_kie.ocr import OcrEngine, OcrOptions, create_engine
from beam_kie.ocr.given import GivenLinesEngine, GivenPage, PageKey, read_lines_file
from transforms.config import JobConfig
from transforms.metrics import StageTimer, observe
from transforms.stages.isolation import predict_isolated, reason_of
from transforms.storage.uris import absolute_uri

TIMES = "times"

_LOGGER = logging.getLogger(__name__)
_ADVICE = "Try this page with the other --ocr_engine; if that fails too, please report it."


class ReadText(beam.PTransform):
    """The text of pages: PCollection[PageImage] to two PCollections.

    ``pages`` PageText, or FailedPage where there is no text to be had; ``times`` StageTime. The pixels end
    here.
    """

    def __init__(self, config: JobConfig, pictures: str | None = None, handler: ModelHandler | None = None):
        super().__init__()
        self.handler = handler or OcrModelHandler(config, pictures)

    def expand(self, pages):
        """Wire the engine and the parting of its outcomes; pages are the main output."""
        return (
            pages
            | "Run OCR" >> RunInference(self.handler)
            | "Set times aside" >> beam.ParDo(SetTimesAsideFn()).with_outputs(TIMES, main="pages")
        )


@beam.typehints.with_output_types(PageText | FailedPage, times=StageTime)
class SetTimesAsideFn(beam.DoFn):
    """Lets pages through and sends stage times to an output of their own."""

    def process(self, outcome: PageText | FailedPage | StageTime) -> Iterable[Any]:
        """Yield the outcome."""
        yield TaggedOutput(TIMES, outcome) if isinstance(outcome, StageTime) else outcome


class OcrModelHandler(ModelHandler[PageImage, PageText | FailedPage | StageTime, OcrEngine]):
    """Reads pages, ``config.ocr_batch_size`` at a time.

    Yields one PageText or FailedPage per page, in order, and the StageTimes of the batch. A preview goes with
    every page where overlays are wanted, and a picture for the model with every page that was read where it
    looks at ``pictures`` (KieModel.pictures).
    """

    def __init__(self, config: JobConfig, pictures: str | None = None):
        super().__init__(min_batch_size=config.ocr_batch_size, max_batch_size=config.ocr_batch_size)
        self._config = config
        self._pictures = pictures
        self._preview_side = None if config.overlays == "none" else config.overlay_max_side

    def load_model(self) -> OcrEngine:
        """The engine, once per process. Raises what the engine raises: a run without OCR ends at once."""
        return open_engine(self._config)

    def run_inference(
        self,
        batch: Sequence[PageImage],
        model: OcrEngine,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterable[PageText | FailedPage | StageTime]:
        """Outcomes in the order of ``batch``, and the times that the batch took."""
        with StageTimer("ocr") as timer:
            outcomes = predict_isolated(model.read, batch, failed_page)
        observe("ocr_batch_pages", len(batch))
        yield timer.spent(len(batch))
        if self._pictures is None and self._preview_side is None:
            yield from outcomes
            return
        with StageTimer("preview") as timer:
            outcomes = [self._with_pictures(*pair) for pair in zip(batch, outcomes, strict=True)]
        yield timer.spent(len(batch))
        yield from outcomes

    def get_num_bytes(self, batch: Sequence[PageImage]) -> int:
        """Bytes of pixels in the batch; Beam's own answer would pickle them."""
        return sum(page.pixels.nbytes for page in batch)

    def get_metrics_namespace(self) -> str:
        """Where RunInference files its own metrics."""
        return "beam_kie_ocr"

    def _with_pictures(self, image: PageImage, outcome: PageText | FailedPage) -> PageText | FailedPage:
        """The outcome with what remains of its pixels: small pictures of the upright page."""
        page = outcome.page if isinstance(outcome, FailedPage) else outcome
        try:
            page = self._pictured(page, upright(image.pixels, page.rotation_deg))
        except Exception as error:
            # The page itself is read. Whoever needs the picture reports that there is none.
            _LOGGER.warning("no picture of %s page %d: %s", image.uri, image.page, type(error).__name__)
        return replace(outcome, page=page) if isinstance(outcome, FailedPage) else page

    def _pictured(self, page: PageText, pixels: np.ndarray) -> PageText:
        if self._pictures is not None:
            page = with_picture(page, pixels, self._pictures)
        if self._preview_side is not None:
            page = replace(page, preview=encode_preview(pixels, self._preview_side))
        return page


def failed_page(image: PageImage, error: Exception) -> FailedPage:
    """The failure of one page in OCR; the page as it lay in the file, without lines."""
    reason = reason_of(error, Category.OCR_FAILED, _ADVICE)
    height, width = image.pixels.shape[:2]
    failure = Failure(
        document_id=image.document_id,
        uri=image.uri,
        page=image.page,
        stage=Stage.OCR,
        category=reason.category,
        message=reason.message,
        retryable=reason.retryable,
    )
    return FailedPage(failure, PageText(image.document_id, image.uri, image.page, width, height))


def open_engine(config: JobConfig) -> OcrEngine:
    """The engine that ``config`` asks for, loaded, behind the lines that need no OCR.

    Raises:
        ValueError: options that do not go together, or a file of OCR lines that cannot be used.
        FileNotFoundError: a model or the file of OCR lines is missing.
    """
    engine = None if config.ocr_engine == "none" else create_engine(config.ocr_engine, ocr_options(config))
    return GivenLinesEngine(_given_pages(config.ocr_lines), fallback=engine)


def ocr_options(config: JobConfig) -> OcrOptions:
    """What ``config`` means for an OCR engine."""
    return OcrOptions(
        device=config.ocr_device,
        max_side=config.ocr_max_side,
        rapidocr_backend=config.rapidocr_backend,
        det_model_dir=config.ocr_det_model_dir,
        rec_model_dir=config.ocr_rec_model_dir,
        paddle_engine=config.paddle_engine,
        detect_rotation=config.ocr_detect_rotation,
        min_confidence=config.ocr_min_confidence,
        threads=config.ocr_threads,
    )


def _given_pages(path: str | None) -> dict[PageKey, GivenPage]:
    """The user's own lines; a URI in their file may be written as on the command line."""
    if path is None:
        return {}
    with FileSystems.open(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as text:
        pages = read_lines_file(text)
    return {(absolute_uri(uri), page): lines for (uri, page), lines in pages.items()}
