"""The report in a real browser."""

import json

import pytest

from tests import small_runs
from tests.browser import check_accessibility, new_page
from transforms import review

HOSTILE = "<b>r</b>"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A run with all figures, after one whose summary says things that look like markup."""
    folder = small_runs.write_run(tmp_path_factory.mktemp("run") / "out")
    small_runs.write_run(folder, run_id="before")
    for run_id, day, name in (("before", 1, HOSTILE), (small_runs.RUN_ID, 2, small_runs.RUN_ID)):
        path = folder / "runs" / f"run_id={run_id}" / "summary.json"
        summary = json.loads(path.read_text()) | {
            "run_id": name,
            "started_at": f"2026-01-0{day}T10:00:00Z",
            "finished_at": f"2026-01-0{day}T10:01:00Z",
            "pages": {"ok": 4, "failed": 1},
            "mean_confidence": {"pairs": 0.5},
            "failures": {"retryable": 0, "by_category": {"MODEL_FAILED": 1, "<i>X</i>": 1}},
            "stage_times": {"ocr": {"seconds": 2.5, "items": 4}, "model": {"seconds": 1.0, "items": 4}},
            "progress": {"begin": "2026-01-02T10:00:00Z", "interval_s": 10, "pages": [1, 3, 1]},
        }
        path.write_text(json.dumps(summary))
    review.write_review(str(folder), small_runs.RUN_ID)
    return folder


def open_report(page, output):
    page.goto(f"file://{output}/review/run_id={small_runs.RUN_ID}/report.html")
    page.wait_for_selector("h1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1360, 850), (390, 844)], ids=["desktop", "phone"])
def test_accessibility(output, chrome, scheme, size):
    with new_page(chrome, size, scheme) as page:
        open_report(page, output)
        page.eval_on_selector_all("details", "all => all.forEach(e => e.open = true)")
        check_accessibility(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"


def test_every_figure_is_drawn_and_has_its_values_as_a_table(output, chrome):
    with new_page(chrome) as page:
        open_report(page, output)
        sections = page.locator("section")
        titles = sections.locator("h2").all_inner_texts()
        assert len(titles) == len(set(titles)) == 9
        for number in range(sections.count()):
            section = sections.nth(number)
            box = section.locator("svg").bounding_box()
            assert box["width"] > 300 and box["height"] > 30
            section.locator("summary").click()
            assert section.locator("tbody tr").count() == section.locator("svg title").count() > 0


def test_markup_stays_text(output, chrome):
    with new_page(chrome) as page:
        open_report(page, output)
        assert page.locator(".wide tbody th").all_inner_texts() == [small_runs.RUN_ID, HOSTILE]
        assert "<i>X</i>" in page.locator("#failures svg").text_content()
        assert page.locator("main b, main i").count() == 0


def test_dark_mode_has_other_colours(output, chrome):
    found = set()
    for scheme in ("light", "dark"):
        with new_page(chrome, scheme=scheme) as page:
            open_report(page, output)
            found.add(page.evaluate("getComputedStyle(document.querySelector('.bar')).fill"))
    assert len(found) == 2


def test_report_and_review_lead_to_each_other(output, chrome):
    with new_page(chrome) as page:
        page.goto(f"file://{output}/review/run_id={small_runs.RUN_ID}/index.html")
        page.wait_for_selector("html[data-ready]")
        page.click("#top >> text=small")
        page.wait_for_selector("section#pair_confidence")
        page.click("text=The pages of this run")
        page.wait_for_selector("html[data-ready]")
