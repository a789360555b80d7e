"""SER and RE through Beam's RunInference: batches by tokens; a failing page does not affect the others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import apache_beam as beam
from apache_beam.ml.inference.base import ModelHandler, RunInference
from apache_beam.pvalue import TaggedOutput
from apache_beam.typehints.decorators import with_output_types
from apache_beam.utils.shared import Shared

from beam_kie.choices.choosing import with_choices
from beam_kie.document import Category, FailedPage, Failure, PageResult, PageText, Stage, StageTime
from beam_kie.failures import failure_of
from transforms.config import JobConfig
from transforms.metrics import StageTimer, count, count_failure, observe
from transforms.progress import record
from transforms.ptransform import Transform
from transforms.stages.gpu import on_model_workers, require_gpu
from transforms.stages.importing import first_import
from transforms.stages.isolation import predict_isolated
from transforms.stages.loading import Loading
from transforms.stages.models import model_folder

if TYPE_CHECKING:  # else with the model: they bring PyTorch, and its import takes a second
    from beam_kie.layoutxlm.model import KieModel
    from beam_kie.layoutxlm.pair import KiePair

FAILED_PAGES = "failed_pages"
FAILURES = "failures"
TIMES = "times"

_ADVICE = "Run the page again with --device cpu --dtype float32; if that fails too, please report it."

# A batch also has to end where pages hold next to no text: each keeps its preview in memory.
_LEAST_WEIGHT = 32


Outcome = PageResult | FailedPage | StageTime
"""The elements that the model's step yields."""

Model: TypeAlias = "KieModel | KiePair"

# Importing PyTorch blocks all other threads for some time: the first page is asked for before that.
_WAIT_S = 0.3


class FindEntities(Transform):
    """Entities and relations of pages: PCollection[PageText | FailedPage] to four PCollections.

    ``results`` PageResult; ``failed_pages`` FailedPage, with those that came in; ``failures`` the Failure of
    each of them; ``times`` StageTime.

    Args:
        config: of the job.
        handler: of the model; None: a KieModelHandler.
    """

    def __init__(self, config: JobConfig, handler: ModelHandler | None = None):
        super().__init__()
        self.config = config
        self.handler = handler or KieModelHandler(config)

    def expand(self, pages):
        """Wire the model and the sorting of its outcomes; results are the main output."""
        return (
            pages
            | "Run model" >> on_model_workers(RunInference(self.handler), self.config)
            | "Sort outcomes"
            >> beam.ParDo(SortOutcomesFn(self.config.scratch)).with_outputs(
                FAILED_PAGES, FAILURES, TIMES, main="results"
            )
        )


@with_output_types(PageResult, failed_pages=FailedPage, failures=Failure, times=StageTime)
class SortOutcomesFn(beam.DoFn):
    """Sends every outcome of the model where it belongs and counts the pages that leave the job.

    Args:
        scratch: the folder for the progress of the run; None: without.
    """

    def __init__(self, scratch: str | None):
        self._scratch = scratch

    def process(self, outcome: Outcome) -> Iterable[PageResult | TaggedOutput]:
        """Yield the outcome, and for a failed page its failure too.

        Args:
            outcome: of one page, or the time of a batch.
        """
        if isinstance(outcome, StageTime):
            yield TaggedOutput(TIMES, outcome)
        elif isinstance(outcome, FailedPage):
            count("pages_failed")
            count_failure(outcome.failure)
            record(self._scratch, pages_ok=0, pages_failed=1)
            yield TaggedOutput(FAILED_PAGES, outcome)
            yield TaggedOutput(FAILURES, outcome.failure)
        else:
            count("pages_ok")
            count("entities", len(outcome.entities))
            count("relations", len(outcome.relations))
            record(self._scratch)
            yield outcome


class KieModelHandler(
    ModelHandler[PageText | FailedPage, PageResult | FailedPage | StageTime, "Model | Loading[Model]"]
):
    """Finds entities and relations on pages of text.

    Takes every page that leaves OCR: a FailedPage passes through untouched, so that no image has to be
    flattened (and thereby buffered) beside the pages that succeeded. Yields one PageResult or FailedPage per
    element, in order, and one StageTime per batch.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__(
            min_batch_size=config.batch_tokens,
            max_batch_size=config.batch_tokens,
            element_size_fn=partial(batch_weight, budget=config.batch_tokens),
        )
        self._config = config
        self._shared = Shared()

    def load_model(self) -> Model | Loading[Model]:
        """The model or models, once per process, however many steps use this handler.

        They may still be loading, while the first page is read.

        Raises ModelError or GpuMissingError where a GPU is asked for: a run without it ends at once.
        """
        return self._shared.acquire(self._loaded)

    def _loaded(self) -> Model | Loading[Model]:
        if self._config.device == "cuda":
            return self._load()
        return Loading(self._load, _WAIT_S)

    def _load(self) -> Model:
        config = self._config
        with first_import("torch"):
            from beam_kie.layoutxlm.pair import load_kie
        leave_cores_to_beam()
        require_gpu(config.device)
        return load_kie(
            model_folder(config.model),
            None if config.re_model is None else model_folder(config.re_model),
            device=config.device,
            dtype=config.dtype,
            max_batch_tokens=config.batch_tokens,
        )

    def run_inference(
        self,
        batch: Sequence[PageText | FailedPage],
        model: Model | Loading[Model],
        inference_args: dict[str, Any] | None = None,
    ) -> Iterable[Outcome]:
        """Results in the order of ``batch``, then the time that the batch took.

        Args:
            batch: pages with text, and those that failed before.
            model: what ``load_model`` returned.
            inference_args: not used.
        """
        if isinstance(model, Loading):
            model = model.result()
            leave_cores_to_beam()  # PyTorch may know of it only in the thread that loaded the model
        texts = [page for page in batch if isinstance(page, PageText) and page.lines]
        with StageTimer("model") as timer:
            found = iter(predict_isolated(partial(_predict, model), texts, failed_page))
        if texts:
            observe("model_batch_pages", len(texts))
            observe("model_batch_tokens", sum(map(estimated_tokens, texts)))
        for page in batch:
            if isinstance(page, FailedPage):
                yield page
            elif not page.lines:
                yield PageResult(page)
            else:
                yield next(found)
        yield timer.spent(len(texts))

    def get_num_bytes(self, batch: Sequence[PageText | FailedPage]) -> int:
        """About how many bytes of text the batch holds; Beam's own answer would pickle it.

        Args:
            batch: pages with text, and those that failed before.
        """
        return sum(len(line.text) for page in batch if isinstance(page, PageText) for line in page.lines)

    def get_metrics_namespace(self) -> str:
        """Where RunInference files its own metrics."""
        return "beam_kie_model"


def _predict(model: Model, pages: Sequence[PageText]) -> list[PageResult]:
    """What the model finds, with the options that are ticked."""
    keys, values = model.config.head_labels, model.config.tail_labels
    return [with_choices(result, keys, values) for result in model.predict(pages)]


def leave_cores_to_beam() -> None:
    """Let PyTorch use one thread of a CPU, unless the user has set OMP_NUM_THREADS.

    A runner keeps the cores busy with pages. Threads of PyTorch beside them wait for each other in a busy
    loop: that took 20 times the time of the small model's own work where every core was taken.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(1)


def estimated_tokens(page: PageText) -> int:
    """About how many tokens a page has; the exact number is known only where the tokenizer is loaded.

    One for each character of a script without spaces, one for three characters of others.

    Args:
        page: the text of one page.
    """
    characters = sum(len(line.text) for line in page.lines)
    wide = sum(character >= "\u2e80" for line in page.lines for character in line.text)
    return len(page.lines) + wide + (characters - wide) // 3


def batch_weight(page: PageText | FailedPage, budget: int) -> int:
    """The weight of a page in a batch.

    Never more than the budget: Beam would put an empty batch before an element that exceeds it.

    Args:
        page: a page, with text or failed.
        budget: of the batch, in tokens.

    Returns:
        Tokens, at least what a page without text counts.
    """
    tokens = estimated_tokens(page) if isinstance(page, PageText) else 0
    return min(max(tokens, _LEAST_WEIGHT), budget)


def failed_page(page: PageText, error: Exception) -> FailedPage:
    """The failure of one page in the model.

    Args:
        page: its text.
        error: what was raised.
    """
    return FailedPage(failure_of(error, page, Stage.MODEL, Category.MODEL_FAILED, _ADVICE), page)
