from dataclasses import replace

import numpy as np
import pytest

from beam_kie.document import Entity, LineSpan, PageResult, PageText, Relation, RuledCell, TextLine
from beam_kie.forms import poses
from beam_kie.geometry import box_polygon, map_polygon, polygon_box, union_box
from beam_kie.layoutxlm.decoding.straight import as_pictured
from beam_kie.layoutxlm.inputs.images import with_picture
from beam_kie.layoutxlm.inputs.straight import StraightPixels, straight_page, straight_pixels
from beam_kie.layoutxlm.inputs.strips import unpack_strips
from beam_kie.layoutxlm.model import KieModel
from beam_kie.ocr.straightening import straightened
from model_store.references import bundled


def posed(skew_deg, perspective=0.0):
    """A tilted form, as if it had been read, and the form as it was."""
    form = poses.plain_form(3)
    page = poses.tilted(form, skew_deg, perspective)
    return straightened(text_of(page)), page, form


def text_of(page):
    height, width = page.pixels.shape[:2]
    lines = tuple(TextLine(text, polygon, 0.99) for text, polygon in page.lines)
    return PageText("id", "page.png", 1, width, height, lines=lines)


def test_pixels_and_lines_of_the_straight_page_belong_together():
    page, tilted, _ = posed(9, 0.02)
    pixels, straight = straight_pixels(tilted.pixels, page), straight_page(page)
    assert pixels.shape[:2] == (straight.height_px, straight.width_px)
    rest = pixels.copy()
    for line in straight.lines:
        x0, y0, x1, y1 = (round(value) for value in line.box)
        assert (pixels[y0:y1, x0:x1] < 128).mean() > 0.03
        rest[max(y0 - 3, 0) : y1 + 3, max(x0 - 3, 0) : x1 + 3] = 255
    assert (rest < 128).sum() == 0


@pytest.mark.parametrize("skew_deg", [-6, 6])
def test_cells_of_the_straight_page_hold_the_same_lines(skew_deg):
    page, _, _ = posed(skew_deg)
    margin = 4
    around = [(x0 - margin, y0 - margin, x1 + margin, y1 + margin) for x0, y0, x1, y1 in boxes(page)]
    page = replace(page, cells=tuple(RuledCell(box, 0.9) for box in around))
    straight = straight_page(page)
    for line, cell in zip(straight.lines, straight.cells, strict=True):
        x0, y0, x1, y1 = cell.box
        left, top, right, bottom = line.box
        assert x0 < (left + right) / 2 < x1
        assert y0 < (top + bottom) / 2 < y1


def boxes(page):
    return [line.box for line in page.lines]


def test_a_straight_page_is_not_touched():
    _, _, form = posed(0)
    page = text_of(form)
    assert straight_page(page) is page
    assert straight_pixels(form.pixels, page) is form.pixels
    result = PageResult(page)
    assert as_pictured(result, page) == result


def test_strips_show_lines_as_those_of_the_straight_form():
    page, tilted, form = posed(8)
    of_tilted = unpack_strips(with_picture(page, tilted.pixels, "strips").picture or b"")
    of_form = unpack_strips(with_picture(text_of(form), form.pixels, "strips").picture or b"")
    assert len(of_tilted) == len(of_form)
    for first, second in zip(of_tilted, of_form, strict=True):
        assert (first < 128).mean() == pytest.approx((second < 128).mean(), abs=0.06)


def test_parts_of_the_straight_page_are_those_of_its_picture():
    page, tilted, _ = posed(5, 0.02)
    whole = straight_pixels(tilted.pixels, page).astype(int)
    parts = StraightPixels(tilted.pixels, page.straightening)
    height, width = parts.shape
    for rows, columns in (
        (slice(40, 90), slice(100, 300)),
        (slice(height - 20, height + 50), slice(0, width)),
    ):
        part = parts[rows, columns]
        assert part.shape == whole[rows, columns].shape
        assert np.abs(part - whole[rows, columns]).mean() < 0.5
    assert parts[height + 5 : height + 9, 3:20].shape == (0, 17, 3)


def test_entities_come_back_to_the_page_as_pictured():
    page, _, _ = posed(-10)
    straight = straight_page(page)
    one = (LineSpan(0, 0, len(page.lines[0].text)),)
    two = (*one, LineSpan(2, 0, len(page.lines[2].text)))
    box = box_polygon(union_box(straight.lines[index].box for index in (0, 2)))
    entities = (
        Entity("QUESTION", "a", straight.lines[0].polygon, 0.9, one),
        Entity("ANSWER", "b", box, 0.8, two),
    )
    result = as_pictured(PageResult(straight, entities, (Relation(0, 1, 0.7),)), page)
    assert result.page is page
    assert result.relations == (Relation(0, 1, 0.7),)
    assert result.entities[0].polygon == page.lines[0].polygon
    assert page.straightening is not None
    back = map_polygon(result.entities[1].polygon, page.straightening.matrix)
    assert polygon_box(back) == pytest.approx(polygon_box(box), abs=0.01)
    assert (result.entities[1].text, result.entities[1].confidence) == ("b", 0.8)


@pytest.mark.parametrize("skew_deg", [-12, 4, 10])
def test_pairs_of_a_tilted_form_are_those_of_the_straight_one(skew_deg):
    """Without its straightening, keys get the values of other rows."""
    model = KieModel.load(bundled()["bundled"], device="cpu")
    page, tilted, form = posed(skew_deg)
    pages = [
        with_picture(text_of(form), form.pixels, model.pictures or "strips"),
        with_picture(page, tilted.pixels, model.pictures or "strips"),
        with_picture(replace(page, straightening=None), tilted.pixels, model.pictures or "strips"),
    ]
    expected, found, askew = ([pair_texts(result) for result in model.predict([each])] for each in pages)
    assert found == expected
    assert len(expected[0]) == len(form.pairs)
    if abs(skew_deg) >= 10:
        assert askew != expected
    assert page.straightening is not None
    assert np.isfinite(page.straightening.matrix).all()


def pair_texts(result):
    return sorted((result.entities[r.head].text, result.entities[r.tail].text) for r in result.relations)
