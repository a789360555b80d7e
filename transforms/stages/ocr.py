"""The text of pages through Beam's RunInference: one engine per process, one page's failure stays its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import ModelHandler, RunInference
from apache_beam.pvalue import TaggedOutput
from apache_beam.typehints.decorators import with_output_types
from apache_beam.utils.shared import Shared

from beam_kie.document import FailedPage, PageImage, PageText, StageTime
from beam_kie.ocr import Engine, OcrEngine, create_engine
from beam_kie.ocr.given import GivenLinesEngine
from beam_kie.ocr.pages import usable_cores
from transforms.config import JobConfig
from transforms.metrics import StageTimer, observe
from transforms.ptransform import Transform
from transforms.stages.given_lines import given_pages
from transforms.stages.isolation import predict_isolated
from transforms.stages.pictures import add_pictures, failed_page, mark_damaged

TIMES = "times"


class ReadText(Transform):
    """The text of pages: PCollection[PageImage] to two PCollections.

    ``pages`` PageText, or FailedPage where there is no text to be had; ``times`` StageTime. The pixels end
    here.

    Args:
        config: of the job.
        pictures: what pictures the model needs (KieModel.pictures); None: none.
        handler: of the engine; None: an OcrModelHandler.
    """

    def __init__(self, config: JobConfig, pictures: str | None = None, handler: ModelHandler | None = None):
        super().__init__()
        self.handler = handler or OcrModelHandler(config, pictures)

    def expand(self, pages):
        """Wire the engine and the sorting of its outcomes; pages are the main output."""
        return (
            pages
            | "Run OCR" >> RunInference(self.handler)
            | "Set times aside" >> beam.ParDo(SetTimesAsideFn()).with_outputs(TIMES, main="pages")
        )


@with_output_types(PageText | FailedPage, times=StageTime)
class SetTimesAsideFn(beam.DoFn):
    """Lets pages through and sends stage times to an output of their own."""

    def process(self, outcome: PageText | FailedPage | StageTime) -> Iterable[Any]:
        """Yield the outcome.

        Args:
            outcome: of one page, or the time of a batch.
        """
        yield TaggedOutput(TIMES, outcome) if isinstance(outcome, StageTime) else outcome


class OcrModelHandler(ModelHandler[PageImage, PageText | FailedPage | StageTime, OcrEngine]):
    """Reads pages, ``config.ocr_batch_size`` at a time.

    Yields one PageText or FailedPage per page, in order, and the StageTimes of the batch. A preview goes with
    every page where overlays are wanted, and a picture for the model with every page that was read where it
    takes ``pictures`` (KieModel.pictures).

    Args:
        config: of the job.
        pictures: what pictures the model needs (KieModel.pictures); None: none.
        shared: holds the engine for all steps of a process that have it; None: for those with this handler.
    """

    def __init__(self, config: JobConfig, pictures: str | None = None, shared: Shared | None = None):
        super().__init__(min_batch_size=config.ocr_batch_size, max_batch_size=config.ocr_batch_size)
        self._config = config
        self._pictures = pictures
        self._preview_side = None if config.overlays == "none" else config.overlay_max_side
        self._shared = shared or Shared()

    def load_model(self) -> OcrEngine:
        """The engine, once per process.

        Raises what the engine raises: a run without OCR ends at once.
        """
        return self._shared.acquire(lambda: open_engine(self._config))

    def run_inference(
        self,
        batch: Sequence[PageImage],
        model: OcrEngine,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterable[PageText | FailedPage | StageTime]:
        """Outcomes in the order of ``batch``, and the times that the batch took.

        Args:
            batch: decoded pages.
            model: what ``load_model`` returned.
            inference_args: not used.
        """
        with StageTimer("ocr") as timer:
            outcomes = predict_isolated(model.read, batch, failed_page)
        outcomes = [mark_damaged(image, outcome) for image, outcome in zip(batch, outcomes, strict=True)]
        observe("ocr_batch_pages", len(batch))
        yield timer.spent(len(batch), read=len(batch))
        if self._pictures is None and self._preview_side is None:
            yield from outcomes
            return
        with StageTimer("preview") as timer:
            outcomes = [
                add_pictures(image, outcome, self._pictures, self._preview_side)
                for image, outcome in zip(batch, outcomes, strict=True)
            ]
        yield timer.spent(len(batch))
        yield from outcomes

    def get_num_bytes(self, batch: Sequence[PageImage]) -> int:
        """Bytes of pixels in the batch; Beam's own answer would pickle them.

        Args:
            batch: decoded pages.
        """
        return sum(page.pixels.nbytes for page in batch)

    def get_metrics_namespace(self) -> str:
        """Where RunInference files its own metrics."""
        return "beam_kie_ocr"


def open_engine(config: JobConfig) -> OcrEngine:
    """The engine that ``config`` names, loaded, behind the lines that need no OCR.

    Args:
        config: the job.

    Raises:
        ValueError: options that do not go together, or a file of OCR lines that cannot be used.
        FileNotFoundError: a model or the file of OCR lines is missing.
    """
    options = config.ocr
    if config.workers_a_machine > 1 and not options.threads:
        options = replace(options, threads=max(1, usable_cores() // config.workers_a_machine))
    engine = None if options.engine is Engine.NONE else create_engine(options)
    return GivenLinesEngine(given_pages(config.ocr_lines), fallback=engine)
