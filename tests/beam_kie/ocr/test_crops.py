import numpy as np
import pytest

from beam_kie.geometry import box_polygon
from beam_kie.ocr.crops import LINE_HEIGHT, crop_line, pack_batch, plan_batches


@pytest.fixture
def page():
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[0:100, 0:200]
    return np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8)


def blank(width, height):
    return np.full((height, width, 3), 255, np.uint8)


def test_a_straight_line_is_cut_out_as_it_is(page):
    crop = crop_line(page, box_polygon((20, 30, 120, 50)))
    np.testing.assert_array_equal(crop, page[30:50, 20:120])


def test_a_tilted_line_comes_out_straight(page):
    # Up to the right by 45 degrees: along the line red grows and green falls, across it both grow.
    crop = crop_line(page, (50, 60, 90, 20, 100, 30, 60, 70)).astype(int)
    assert crop.shape == (14, 56, 3)
    assert (np.diff(crop[7, :, 0]) >= 0).all()
    assert (np.diff(crop[7, :, 1]) <= 0).all()
    assert crop[0, 0, 0] == pytest.approx(50, abs=1)
    assert crop[-1, -1, :2] == pytest.approx((99, 31), abs=2)


def test_a_standing_line_is_laid_with_its_top_to_the_left(page):
    crop = crop_line(page, box_polygon((20, 10, 40, 80)))
    assert crop.shape == (20, 70, 3)
    assert (np.diff(crop[0, :, 1].astype(int)) == 1).all()
    assert crop[0, 0, 1] == 10


def test_a_line_over_the_edge_is_continued(page):
    crop = crop_line(page, box_polygon((-10, -10, 50, 10)))
    assert crop.shape == (20, 60, 3)
    assert (crop[:10] == crop[10]).all()


@pytest.mark.parametrize("box", [(10, 10, 10.4, 30), (10, 10, 50, 10.2), (300, 10, 350, 30)])
def test_a_line_without_area_on_the_page_has_no_picture(page, box):
    assert crop_line(page, box_polygon(box)) is None


def test_batches_hold_every_line_once_with_its_likes_the_widest_first():
    crops = [blank(width, 24) for width in (30, 900, 40, 50, 880, 500, 480, 35)]
    assert plan_batches(crops) == [[1], [4], [5, 6], [0, 2, 3, 7]]
    assert plan_batches([]) == []


def test_batches_are_small():
    assert [len(batch) for batch in plan_batches([blank(50, 24)] * 20)] == [8, 8, 4]


def test_lines_are_packed_as_the_recogniser_wants_them():
    red = np.zeros((24, 50, 3), np.uint8)
    red[:, :, 0] = 255
    batch = pack_batch([red, blank(96, 48)])
    assert batch.shape == (2, 3, LINE_HEIGHT, 128)
    assert batch.dtype == np.float32
    # BGR, black -1 to white 1, and 0 beside the line.
    np.testing.assert_allclose(batch[0, :, :, :100].mean(axis=(1, 2)), [-1, -1, 1])
    assert (batch[0, :, :, 100:] == 0).all()
    assert (batch[1, :, :, :96] == 1).all()


def test_widths_come_in_steps():
    widths = {pack_batch([blank(width, 48)]).shape[3] for width in range(129, 400, 7)}
    assert widths == set(range(160, 417, 32))
