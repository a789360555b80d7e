"""Pages in the positions of ``beam_kie.forms.poses``, read by both engines that take pages apart here."""

from difflib import SequenceMatcher

import pytest

from beam_kie.forms import poses
from beam_kie.ocr import OcrOptions, create_engine


@pytest.fixture(scope="module", params=["rapidocr", "ppocr"])
def engine(request):
    return create_engine(OcrOptions(engine=request.param, device="cpu", threads=2))


def read(engine, as_page, page):
    (text,) = engine.read([as_page(page.pixels)])
    return text


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
@pytest.mark.parametrize("seed", [0, 1, 3, 5])
def test_pages_on_a_side_stand_upright(engine, as_page, seed, rotation_deg):
    page = poses.turned(poses.plain_form(seed), rotation_deg)
    assert read(engine, as_page, page).rotation_deg == rotation_deg


@pytest.mark.parametrize(("seed", "language"), [(0, "ja"), (1, "zh")])
def test_pages_written_in_columns_stand_as_they_are_or_on_their_heads(engine, as_page, seed, language):
    page = poses.column_page(seed, language)
    upright = read(engine, as_page, page)
    assert upright.rotation_deg == 0
    # From right to left, a key above its value.
    texts, expected = [line.text for line in upright.lines], [text for text, _ in page.lines]
    matcher = SequenceMatcher(None, texts, expected, autojunk=False)
    assert sum(block.size for block in matcher.get_matching_blocks()) >= len(expected) - 1
    assert read(engine, as_page, poses.turned(page, 180)).rotation_deg == 180


@pytest.mark.parametrize("skew_deg", [-11, 6])
def test_rows_of_a_page_that_is_askew_are_read_one_after_the_other(engine, as_page, skew_deg):
    form = poses.plain_form(3)
    page = read(engine, as_page, poses.tilted(form, skew_deg, 0.02))
    assert page.skew_deg == pytest.approx(skew_deg, abs=2)
    assert [line.text for line in page.lines] == [line.text for line in read(engine, as_page, form).lines]


def test_a_long_receipt_is_read_line_by_line(engine, as_page):
    page = poses.receipt(2, rows=90)
    text = read(engine, as_page, page)
    assert len(text.lines) >= len(page.lines)
    # The detector cuts some lines at blanks.
    found = "".join(line.text for line in text.lines).replace(" ", "")
    expected = "".join(text for text, _ in page.lines).replace(" ", "")
    matcher = SequenceMatcher(None, found, expected, autojunk=False)
    assert sum(block.size for block in matcher.get_matching_blocks()) >= 0.99 * len(expected)
    assert len(found) <= 1.01 * len(expected)
