"""A review of 10,000 pages: the browser holds few of them, and reaches all."""

import pytest

from benchmarks.review import measure, write_made_up
from tests.browser import new_page

PAGES = 10_000


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return write_made_up(tmp_path_factory.mktemp("large"), PAGES, pairs=2)


@pytest.mark.slow
def test_ten_thousand_pages_are_there_but_only_those_that_are_seen_exist(index, chrome):
    with new_page(chrome) as page:
        found = measure(page, index)
        assert found["rows in the document at most"] < 60
        page.goto(index.as_uri())
        page.wait_for_selector("html[data-ready]")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("End")
        last = page.locator(".documents li:has(a:focus)")
        assert last.get_attribute("aria-posinset") == last.get_attribute("aria-setsize") == str(PAGES)
        assert page.locator(".documents li").count() < 60
        page.select_option("#status", "FAILURE")
        page.wait_for_function("() => document.querySelector('.sum').innerText.startsWith('10 documents')")
