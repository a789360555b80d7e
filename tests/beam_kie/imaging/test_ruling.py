import numpy as np
import pytest

from beam_kie.forms.ruled import ruled_form
from beam_kie.imaging.ruling import find_cells, find_ink
from tests.boxes import overlap


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("times", [1, 2])
def test_all_cells_of_a_table_and_nothing_else(seed, times):
    """Also on a page of twice as many pixels."""
    form = ruled_form(seed)
    pixels = form.pixels.repeat(times, axis=0).repeat(times, axis=1)
    cells = find_cells(find_ink(pixels))
    assert len(cells) == len(form.cells)
    for cell, expected in zip(cells, sorted(form.cells, key=lambda box: (box[1], box[0])), strict=True):
        assert overlap(cell.box, tuple(times * side for side in expected)) > 0.75
        assert 0.7 <= cell.confidence <= 1


def test_open_rectangles_and_text_are_no_cells():
    page = np.full((600, 600, 3), 255, np.uint8)
    page[100, 100:400] = page[300, 100:400] = 0
    page[100:300, 100] = 0
    assert find_cells(find_ink(page)) == ()
    page[100:301, 400] = 0
    assert len(find_cells(find_ink(page))) == 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (40, 40)])
def test_any_page_has_its_cells(shape):
    assert find_cells(find_ink(np.zeros((*shape, 3), np.uint8))) == ()
