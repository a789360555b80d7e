import cv2
import numpy as np
import pytest

from beam_kie.geometry import polygon_box
from beam_kie.ocr.box_geometry import BoxGeometry
from beam_kie.ocr.ppocr.boxes import line_boxes


def text_map(*rectangles, size=(200, 300), value=255):
    found = np.zeros(size, np.uint8)
    for x0, y0, x1, y1 in rectangles:
        found[y0 : y1 + 1, x0 : x1 + 1] = value
    return found


def test_a_blob_becomes_a_larger_rectangle_in_pixels_of_the_page():
    (polygon,) = line_boxes(text_map((50, 60, 149, 69)), (600, 400))
    # By area * 1.5 / circumference on each side, here 6.2 pixels of a map half as large as the page.
    growth = 1.5 * 99 * 9 / (2 * (99 + 9))
    expected = [2 * (50 - growth), 2 * (60 - growth), 2 * (149 + growth), 2 * (69 + growth)]
    assert polygon_box(polygon) == pytest.approx(expected, abs=1)
    assert polygon[:2] == pytest.approx(expected[:2], abs=1)


def test_a_geometry_says_how_far_lines_grow_and_what_counts_as_one():
    found = text_map((50, 60, 149, 69), value=100)  # a probability of 0.39
    (tight,) = line_boxes(found, (300, 200), BoxGeometry(unclip_ratio=0.5, line_threshold=0.35))
    (wide,) = line_boxes(found, (300, 200), BoxGeometry(unclip_ratio=1.9, line_threshold=0.35))
    growth = [edge - 50 for edge in (polygon_box(tight)[0], polygon_box(wide)[0])]
    assert growth == pytest.approx([-0.5 * 4.1, -1.9 * 4.1], abs=0.6)
    assert line_boxes(found, (300, 200), BoxGeometry(text_threshold=0.4, line_threshold=0.35)) == []


def test_lines_that_lean_keep_their_angle():
    found = np.zeros((300, 300), np.uint8)
    corners = cv2.boxPoints(((150, 150), (200, 12), 20))
    cv2.fillConvexPoly(found, corners.astype(np.int32), 255)
    (polygon,) = line_boxes(found, (300, 300))
    rise, run = polygon[3] - polygon[1], polygon[2] - polygon[0]
    assert np.degrees(np.arctan2(rise, run)) == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    "found",
    [
        text_map(),
        text_map((50, 60, 149, 69), value=100),  # more likely than not no line
        text_map((50, 60, 51, 61)),
    ],
)
def test_faint_and_tiny_blobs_are_no_lines(found):
    assert line_boxes(found, (300, 200)) == []


def test_lines_stay_on_the_page():
    (polygon,) = line_boxes(text_map((0, 0, 299, 9)), (300, 200))
    x0, y0, x1, y1 = polygon_box(polygon)
    assert (x0, y0, x1) == (0, 0, 300)
    assert 9 < y1 < 30
