import numpy as np
import pytest

from beam_kie.forms.poses import column_page
from beam_kie.geometry import polygon_box
from beam_kie.ocr.columns import as_it_stands, lay_column


def columns_of(page):
    for text, polygon in page.lines:
        x0, y0, x1, y1 = (round(value) for value in polygon_box(polygon))
        yield text, page.pixels[y0 - 4 : y1 + 4, x0 - 6 : x1 + 6]


@pytest.mark.parametrize("seed", range(3))
def test_a_column_is_cut_between_its_characters(seed):
    for text, standing in columns_of(column_page(seed)):
        column = lay_column(standing)
        height, width = standing.shape[:2]
        assert len(column.cells) == len(text)
        starts, ends = (column.cells * height).T
        assert (starts[1:] >= ends[:-1] - 1e-6).all()
        pitch = (height - 8) / len(text)
        middles = (starts + ends) / 2
        assert middles == pytest.approx(4 + pitch * (np.arange(len(text)) + 0.5), abs=0.3 * pitch)
        assert column.picture.shape[1] == width * len(text)


def test_all_ink_of_a_column_is_in_its_picture():
    for _, standing in columns_of(column_page(7, "zh")):
        dark = (standing < 128).sum()
        assert (lay_column(standing).picture < 128).sum() == pytest.approx(dark, rel=0.01)


def test_places_in_the_picture_are_places_in_the_column():
    _, standing = next(columns_of(column_page(0)))
    column = lay_column(standing)
    count = len(column.cells)
    spans = tuple((index / count, (index + 1) / count) for index in range(count))
    placed = np.array(column.on_column(spans))
    assert placed[:, 0] == pytest.approx(column.cells[:, 0], abs=1e-3)
    assert column.on_column(None) is None


def test_a_blank_picture_and_a_single_pixel_are_one_character():
    for shape in ((90, 30), (1, 1), (60, 1)):
        column = lay_column(np.full((*shape, 3), 255, np.uint8))
        assert len(column.cells) >= 1
        assert column.picture.size
    alone = as_it_stands(np.zeros((30, 10, 3), np.uint8))
    assert alone.picture.shape == (30, 10, 3)
    assert alone.on_column(((0.1, 0.9),)) is None
