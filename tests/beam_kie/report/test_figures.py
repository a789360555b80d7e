import pytest

from beam_kie.report.figures import CONFIDENCE_BINS, Counts, figures_of, pages_per_second
from beam_kie.tables.summary import RunSummary

TIMES = {"started_at": "2026-01-05T10:00:00Z", "finished_at": "2026-01-05T10:00:20Z"}


def summary(run_id="now", ok=8, failed=2, **more):
    found = {"run_id": run_id, **TIMES, **RunSummary().sections()}
    found["pages"] |= {"ok": ok, "failed": failed}
    found["mean_confidence"]["pairs"] = 0.75
    return found | more


def counts(**values):
    made = Counts(**values)
    made.pair_confidences[3] = 1
    made.pair_confidences[-1] = 4
    return made


def figures(found=None, counted=None, earlier=()):
    return {
        figure.name: figure for figure in figures_of(found or summary(), counted or counts(), list(earlier))
    }


def test_labels_and_values_go_together():
    more = {
        "stage_times": {"ocr": {"seconds": 2.0, "items": 4}, "read": {"seconds": 3.0, "items": 0}},
        "progress": {"begin": "2026-01-05T10:00:00Z", "interval_s": 10, "pages": [5, 0, 10]},
        "failures": {"retryable": 1, "by_category": {"A": 1, "B": 3, "C": 1}},
    }
    found = figures(summary(**more), counts(pages_by_pairs={0: 2, 3: 1}), [summary("before")])
    assert all(len(figure.labels) == len(figure.values) > 0 for figure in found.values())
    assert found["pair_confidence"].values[3] == 1 and len(found["pair_confidence"].values) == CONFIDENCE_BINS
    assert "1 of 5 pairs" in found["pair_confidence"].note
    assert found["pairs_per_page"].values == (2, 0, 0, 1)
    assert (found["failures"].labels, found["failures"].values) == (("B", "A", "C"), (3, 1, 1))
    assert found["pages_per_second"].values == (0.5, 0, 1)
    assert found["pages_per_second"].labels[2] == "2026-01-05 10:00:20"
    assert (found["stage_seconds"].labels, found["stage_seconds"].values) == (("read", "ocr"), (3, 2))
    assert found["stage_ms"].values == (3000, 500)
    assert found["run_pages_per_second"].values == (0.5, 0.5)
    assert found["run_confidence"].labels == ("before", "now")


def test_what_is_empty_is_not_drawn():
    assert set(figures_of(summary(), Counts(), [])) == set()
    assert set(figures()) == {"pair_confidence"}


def test_summaries_of_older_versions_give_what_they_have():
    assert set(figures({"run_id": "old"}, counts(), [{"run_id": "older"}])) == {"pair_confidence"}
    assert pages_per_second({"run_id": "old"}) is None
    assert pages_per_second(summary(finished_at=TIMES["started_at"])) is None


@pytest.mark.parametrize("most", [19, 20, 399, 5_000])
def test_pages_with_many_pairs_share_few_bins(most):
    (figure,) = (f for f in figures_of(summary(), Counts(pages_by_pairs={0: 1, most: 2}), []))
    assert len(figure.values) <= 21 and (figure.values[0], figure.values[-1]) == (1, 2)
    low, *high = figure.labels[-1].split(" to ")
    assert int(low) <= most <= int(*(high or [low]))


def test_many_runs_are_the_newest_ones():
    found = figures(earlier=[summary(f"run{number}") for number in range(50)])["run_confidence"]
    assert len(found.labels) == 30 and found.labels[-2:] == ("run49", "now")
