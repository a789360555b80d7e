import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from beam_kie.document import Category, FailedPage, PageResult, Relation, Stage
from beam_kie.overlays import drawing, fonts
from beam_kie.overlays.page import SMALLEST_SIDE, draw_failure, draw_overlay
from tests import pages

# What JPEG may change about a colour of a thin line.
TOLERANCE = 60


def picture(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG"
    return np.asarray(image.convert("RGB")).astype(int)


def share(pixels: np.ndarray, colour) -> float:
    """The share of pixels of that colour."""
    return float((np.abs(pixels - colour).max(axis=2) <= TOLERANCE).mean())


def test_every_label_of_the_page_is_drawn_in_its_colour():
    found = picture(draw_overlay(pages.result(), 1600))
    blank = picture(draw_overlay(pages.result(form=[], links=[]), 1600))
    for colour in (drawing.BLUE, drawing.ORANGE, drawing.GREEN):
        assert share(found, colour) > 0.0005
        assert share(blank, colour) < 0.0001


def test_boxes_lie_where_the_text_is():
    # A page that is drawn on black: its place in the picture is known from its pixels.
    result = pages.result(
        form=[("HEADER", "x", (200, 280, 800, 1120))], links=[], preview=pages.preview(colour="black")
    )
    drawn = picture(draw_overlay(result, 1600))
    dark = drawn.sum(axis=2) < 60
    (top, *_, bottom), (left, *_, right) = (np.flatnonzero(dark.mean(axis=axis) > 0.15) for axis in (1, 0))
    outline = np.argwhere(np.abs(drawn - drawing.GREEN).max(axis=2) <= TOLERANCE)
    outline = outline[(outline[:, 0] > top + 80)]
    middle_row = outline[np.abs(outline[:, 0] - (top + bottom) / 2) < 20]
    assert middle_row[:, 1].min() == pytest.approx(left + 0.2 * (right - left), abs=4)
    assert middle_row[:, 1].max() == pytest.approx(left + 0.8 * (right - left), abs=4)
    assert outline[:, 0].max() == pytest.approx(top + 0.8 * (bottom - top), abs=4)


def test_relations_are_drawn_between_their_entities():
    related, unrelated = pages.result(), pages.result(links=[])
    # In a picture without a list, so that nothing else has their colour.
    with_arrows, without = (picture(draw_overlay(result, 900)) for result in (related, unrelated))
    assert share(with_arrows[60:], drawing.RELATION_COLOUR) > 0.0001
    assert share(without[60:], drawing.RELATION_COLOUR) < 0.00001


def test_list_shows_keys_values_and_confidences():
    first = picture(draw_overlay(pages.result(), 1600))
    changed = pages.result(form=[*pages.FORM[:2], ("ANSWER", "韩梅梅", pages.FORM[2][2]), *pages.FORM[3:]])
    second = picture(draw_overlay(changed, 1600))
    assert first.shape == second.shape
    different = np.argwhere(np.abs(first - second).max(axis=2) > TOLERANCE)
    assert len(different) > 20
    assert different[:, 1].min() > first.shape[1] * 0.6, "only the list beside the page holds text"
    doubtful = picture(draw_overlay(pages.result(links=[(1, 2, 0.1)]), 1600))
    assert (doubtful.shape != first.shape) or (doubtful != first).any()


@pytest.mark.parametrize("max_side", [SMALLEST_SIDE, 640, 1000, 1600, 2400])
@pytest.mark.parametrize("size", [(500, 700), (700, 500), (60, 1600), (1600, 60), (1, 1)])
@pytest.mark.parametrize("form", [[], pages.FORM, pages.FORM * 30])
def test_no_side_is_longer_than_asked_for(max_side, size, form):
    result = pages.result(form=form, links=[], preview=pages.preview(*size) if min(size) > 20 else _dot())
    result = PageResult(replace(result.page, width_px=size[0] * 2, height_px=size[1] * 2), result.entities)
    for data in (draw_overlay(result, max_side), draw_failure(failed(result.page), max_side)):
        height, width, _ = picture(data).shape
        assert max(height, width) <= max_side


def _dot():
    data = io.BytesIO()
    Image.new("RGB", (1, 1)).save(data, "JPEG")
    return data.getvalue()


def test_same_result_gives_same_bytes():
    assert draw_overlay(pages.result(), 1600) == draw_overlay(pages.result(), 1600)
    assert draw_failure(failed(), 1600) == draw_failure(failed(), 1600)


def test_shared_values_and_odd_boxes_are_drawn():
    form = [*pages.FORM, ("ANSWER", "out of the page", (900, 1300, 1500, 1900)), ("ANSWER", "", (5, 5, 5, 5))]
    result = pages.result(form=form, links=[(1, 2, 0.9), (3, 2, 0.2), (3, 8, 0.5), (1, 9, 0.5), (5, 6, 0.0)])
    assert draw_overlay(result, 1600)


def test_page_without_preview_and_side_without_room_are_errors():
    with pytest.raises(ValueError, match="preview"):
        draw_overlay(pages.result(preview=None), 1600)
    with pytest.raises(ValueError, match="max_side"):
        draw_overlay(pages.result(), SMALLEST_SIDE - 1)
    with pytest.raises(ValueError, match="0 entities"):
        draw_overlay(PageResult(pages.page_text(), (), (Relation(0, 1, 1.0),)), 1600)


def failed(page=None, message="the model ran out of memory; run it again with --device cpu"):
    page = page or pages.page_text()
    failure = replace(pages.failure("form.jpg", 1, Stage.MODEL, Category.OUT_OF_MEMORY), message=message)
    return FailedPage(failure, page)


def test_failed_page_stands_under_a_banner():
    drawn = picture(draw_failure(failed(), 1600))
    assert share(drawn[:20], drawing.VERMILLION) > 0.6
    assert share(drawn[60:], drawing.VERMILLION) == 0
    assert share(picture(draw_overlay(pages.result(), 1600))[:20], drawing.VERMILLION) == 0


def test_banner_says_which_failure_it_was():
    other = failed()
    other = FailedPage(replace(other.failure, category=Category.MODEL_FAILED), other.page)
    assert draw_failure(failed(), 1600) != draw_failure(other, 1600)
    assert draw_failure(failed(message="x"), 1600) != draw_failure(failed(message="y"), 1600)


def test_failed_page_without_lines_is_drawn():
    assert draw_failure(failed(pages.page_text(lines=())), 1600)


def test_pictures_are_drawn_without_any_font_file(monkeypatch):
    fonts.font_file.cache_clear()
    monkeypatch.setattr(fonts, "_PACKAGE", "no_such_package")
    monkeypatch.setattr(fonts, "_SYSTEM_FONTS", ())
    assert draw_overlay(pages.result(), 1600)
    fonts.font_file.cache_clear()
