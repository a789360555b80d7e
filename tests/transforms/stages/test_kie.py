import apache_beam as beam
import pytest
import torch
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to

from beam_kie.document import (
    Category,
    Entity,
    FailedPage,
    Failure,
    LineSpan,
    PageResult,
    PageText,
    Stage,
    StageTime,
    TextLine,
)
from beam_kie.layoutxlm.config import LayoutXLMConfig
from tests.small_networks import PUBLISHED_KIND, form, same_results, save_model, small_network
from transforms.config import JobConfig
from transforms.progress import Counts, read_counts
from transforms.stages.kie import FindEntities, KieModelHandler, batch_weight, estimated_tokens

POISON = "what makes the model raise"


def config(tmp_path, **changes):
    return JobConfig(output=str(tmp_path / "out"), run_id="test", **changes)


def page(number, *texts):
    lines = tuple(
        TextLine(text, (10.0, 20.0 * n, 90.0, 20.0 * n, 90.0, 20.0 * n + 15, 10.0, 20.0 * n + 15), 0.9)
        for n, text in enumerate(texts)
    )
    return PageText("document", "memory://scan", number, 100, 200, lines=lines)


def failed(number):
    failure = Failure("document", "memory://scan", number, Stage.OCR, Category.OCR_FAILED, "Try again.")
    return FailedPage(failure, page(number))


class EchoModel:
    """Every line is one HEADER; a page that holds POISON makes the whole batch raise."""

    config = LayoutXLMConfig()

    def __init__(self):
        self.batches = []

    def predict(self, pages):
        self.batches.append([page.page for page in pages])
        if any(line.text == POISON for page in pages for line in page.lines):
            raise ValueError(f"cannot read: {POISON}")
        return [
            PageResult(page, tuple(map(self.entity, range(len(page.lines)), page.lines))) for page in pages
        ]

    @staticmethod
    def entity(index, line):
        return Entity("HEADER", line.text, line.polygon, 0.5, (LineSpan(index, 0, len(line.text)),))


class EchoHandler(KieModelHandler):
    def load_model(self):
        return EchoModel()


def loaded(handler):
    return handler.load_model().result()


def infer(batch, settings, model):
    """What the handler yields for a batch: outcomes and times."""
    yielded = list(KieModelHandler(settings).run_inference(batch, model))
    times = [element for element in yielded if isinstance(element, StageTime)]
    return [element for element in yielded if not isinstance(element, StageTime)], times


def test_wide_characters_count_as_a_token_each():
    assert estimated_tokens(page(1, "出生日期")) == 1 + 4
    assert estimated_tokens(page(1, "Name: Li")) == 1 + 2
    assert estimated_tokens(page(1)) == 0


@pytest.mark.parametrize(
    ("element", "weight"),
    [(page(1, "字" * 50), 51), (page(1, "字" * 500), 100), (page(1), 32), (failed(1), 32)],
)
def test_weight_of_a_page_is_at_least_one_and_at_most_a_batch(element, weight):
    assert batch_weight(element, budget=100) == weight


def test_outcomes_keep_the_order_of_the_pages(tmp_path):
    model = EchoModel()
    batch = [page(1, "a"), failed(2), page(3), page(4, POISON), page(5, "b", "c")]
    outcomes, times = infer(batch, config(tmp_path), model)
    assert [type(outcome) for outcome in outcomes] == [
        PageResult,
        FailedPage,
        PageResult,
        FailedPage,
        PageResult,
    ]
    assert [outcome.page.page for outcome in outcomes] == [1, 2, 3, 4, 5]
    assert [len(o.entities) for o in outcomes if isinstance(o, PageResult)] == [1, 0, 2]
    assert [(time.stage, time.items) for time in times] == [("model", 3)]


def test_pages_without_text_do_not_reach_the_model(tmp_path):
    model = EchoModel()
    outcomes, _ = infer([page(1), failed(2)], config(tmp_path), model)
    assert outcomes == [PageResult(page(1)), failed(2)]
    assert model.batches == []


def test_the_page_at_fault_fails_alone_and_is_not_quoted(tmp_path):
    batch = [page(1, "a"), page(2, POISON), page(3, "b"), page(4, "c")]
    outcomes, _ = infer(batch, config(tmp_path), EchoModel())
    assert [isinstance(outcome, PageResult) for outcome in outcomes] == [True, False, True, True]
    failure = outcomes[1].failure
    assert (failure.page, failure.stage, failure.category) == (2, Stage.MODEL, Category.MODEL_FAILED)
    assert POISON not in failure.message
    assert outcomes[1].page == batch[1]


@pytest.mark.parametrize(
    ("runner", "flags"),
    [
        ("FnApiRunner", []),
        ("DirectRunner", []),
        ("BundleBasedDirectRunner", ["--direct_runner_bundle_repeat=2"]),
        ("FnApiRunner", ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]),
    ],
    ids=["FnApi", "Direct", "BundleBased", "multi_processing"],
)
def test_a_poisoned_batch_costs_one_page_on_every_runner(tmp_path, runner, flags):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    settings = config(tmp_path, scratch=str(scratch))
    elements = [page(n, POISON if n == 5 else "text", "more") for n in range(1, 10)] + [page(10), failed(11)]
    with beam.Pipeline(runner=runner, options=PipelineOptions(flags)) as pipeline:
        found = pipeline | beam.Create(elements) | FindEntities(settings, EchoHandler(settings))
        results = found.results | beam.Map(lambda result: (result.page.page, len(result.entities)))
        expected = [(n, 2) for n in range(1, 10) if n != 5] + [(10, 0)]
        assert_that(results, equal_to(expected), label="results")
        failures = found.failures | "a" >> beam.Map(lambda failure: (failure.page, failure.category))
        expected = [(5, Category.MODEL_FAILED), (11, Category.OCR_FAILED)]
        assert_that(failures, equal_to(expected), label="failures")
        failed_pages = found.failed_pages | "b" >> beam.Map(lambda failed: failed.failure.page)
        assert_that(failed_pages, equal_to([5, 11]), label="failed pages")
        pages_timed = found.times | beam.Map(lambda time: time.items) | beam.CombineGlobally(sum)
        assert_that(pages_timed, equal_to([9]), label="times")
    if "repeat" not in str(flags):
        assert read_counts(str(scratch)) == Counts(done=9, failed=2)


def test_the_job_counts_what_it_found(tmp_path):
    settings = config(tmp_path)
    pipeline = beam.Pipeline(runner="FnApiRunner")
    elements = [page(1, "a", "b"), page(2, POISON), page(3)]
    _ = pipeline | beam.Create(elements) | FindEntities(settings, EchoHandler(settings))
    metrics = pipeline.run().metrics().query()
    counters = {
        c.key.metric.name: c.committed for c in metrics["counters"] if c.key.metric.namespace == "beam_kie"
    }
    assert counters == {
        "pages_ok": 2,
        "pages_failed": 1,
        "failures_model_failed": 1,
        "entities": 2,
        "relations": 0,
    }
    distributions = {d.key.metric.name: d.committed for d in metrics["distributions"]}
    assert distributions["model_batch_pages"].sum == 2
    assert distributions["model_ms"].count == 1
    assert distributions["inference_request_batch_size"].sum == 3


def test_batches_are_cut_by_tokens(tmp_path):
    settings = config(tmp_path, batch_tokens=512)
    pages = [page(n, "字" * 199) for n in range(5)]
    pipeline = beam.Pipeline(runner="FnApiRunner")
    _ = pipeline | beam.Create(pages) | beam.Reshuffle() | FindEntities(settings, EchoHandler(settings))
    metrics = pipeline.run().metrics().query()
    (sizes,) = [d.committed for d in metrics["distributions"] if d.key.metric.name == "model_batch_pages"]
    assert (sizes.sum, sizes.count, sizes.max) == (5, 3, 2)


def test_the_real_network_runs_in_a_pipeline(tmp_path, small_model):
    settings = config(tmp_path, model=small_model, device="cpu", dtype="float32", batch_tokens=512)
    pages = [page(n, "Name: Li Lei", "Date", "2024-05-01") for n in range(1, 31)]
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        found = pipeline | beam.Create(pages) | FindEntities(settings)
        numbers = found.results | beam.Map(lambda result: result.page.page)
        assert_that(numbers, equal_to(list(range(1, 31))), label="pages")
        # The same text gives the same answer on every page, whatever shared its batch.
        kinds = (
            found.results
            | "found" >> beam.Map(lambda r: tuple((e.label, e.text) for e in r.entities))
            | beam.Distinct()
            | beam.combiners.Count.Globally()
        )
        assert_that(kinds, equal_to([1]), label="same")


@pytest.mark.parametrize(("asked", "threads"), [(None, 1), ("2", 2)])
def test_the_model_leaves_the_cores_to_the_runner(tmp_path, small_model, monkeypatch, asked, threads):
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    torch.set_num_threads(2)
    try:
        settings = config(tmp_path, model=small_model)
        infer([page(1, "a")], settings, KieModelHandler(settings).load_model())
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_a_run_without_its_model_ends_at_once(tmp_path):
    settings = config(tmp_path, model=str(tmp_path / "no-such-model"))
    with pytest.raises(Exception, match="no-such-model"), beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = pipeline | beam.Create([page(1, "a")]) | FindEntities(settings)


def test_two_models_find_and_relate(tmp_path):
    finding = save_model(tmp_path / "finding", small_network(name="finding"))
    relating = {**PUBLISHED_KIND, "token_classifier": False}
    relating = save_model(tmp_path / "relating", small_network(2, **relating, name="relating"))
    settings = config(tmp_path, model=str(finding), re_model=str(relating), device="cpu", dtype="float32")
    model = loaded(KieModelHandler(settings))
    assert (model.ser.name, model.re.name) == ("finding", "relating")
    pages = [form(6, number=1), page(2), form(4, number=3)]
    outcomes, _ = infer(pages, settings, model)
    assert [outcome.page for outcome in outcomes] == pages
    assert outcomes[1].entities == ()
    assert same_results(outcomes[:1], model.predict(pages[:1]))
    assert any(outcome.relations for outcome in outcomes)
