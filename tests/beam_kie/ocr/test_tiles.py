import numpy as np
import pytest

from beam_kie.geometry import box_polygon
from beam_kie.ocr.tiles import find_lines

INK = 40


class Detector:
    """Says that there is text wherever there is ink that is high enough; notes what it was shown."""

    def __init__(self, least_px=0):
        self.sizes = []
        self.least_px = least_px

    def text_map(self, pixels, size):
        import cv2

        self.sizes.append(size)
        assert size[0] % 32 == size[1] % 32 == 0
        return np.where(cv2.resize(pixels, size)[:, :, 0] < 128, 255, 0).astype(np.uint8)

    def line_boxes(self, text_map, size_px):
        import cv2

        contours, _ = cv2.findContours((text_map > 76).astype(np.uint8), cv2.RETR_LIST, 2)
        across, down = (side / of for side, of in zip(size_px, text_map.shape[::-1], strict=True))
        boxes = [cv2.boundingRect(contour) for contour in contours]
        return [
            box_polygon((x * across, y * down, (x + w) * across, (y + h) * down))
            for x, y, w, h in boxes
            if h >= self.least_px
        ]


def page_with(bars, width, height):
    pixels = np.full((height, width, 3), 255, np.uint8)
    for x0, y0, x1, y1 in bars:
        pixels[y0:y1, x0:x1] = INK
    return pixels


def found_on(pixels, detector, max_side=640):
    lines = find_lines(pixels, max_side, detector.text_map, detector.line_boxes)
    return sorted((line[1], line[0], line[5], line[4]) for line in lines)


def test_an_ordinary_page_is_seen_at_once():
    detector = Detector()
    assert len(found_on(page_with([(100, 100, 700, 140)], 1000, 1400), detector)) == 1
    assert detector.sizes == [(448, 640)]


@pytest.mark.parametrize("lying", [False, True])
def test_a_long_page_is_seen_in_tiles_and_no_line_is_cut_or_found_twice(lying):
    bars = [(20, y, 280, y + 14) for y in range(10, 6000, 41)]
    pixels = page_with(bars, 300, 6010)
    detector = Detector()
    if lying:
        pixels = np.ascontiguousarray(pixels.transpose(1, 0, 2))
        bars = [(y0, x0, y1, x1) for x0, y0, x1, y1 in bars]
    found = found_on(pixels, detector)
    assert len(detector.sizes) > 5
    assert np.array(found) == pytest.approx(np.array(sorted((b[1], b[0], b[3], b[2]) for b in bars)), abs=8)


def test_small_type_on_a_large_sheet_is_looked_at_more_closely():
    bars = [(2000, y, 2600, y + 30) for y in range(400, 1000, 60)]
    detector = Detector(least_px=12)
    found = found_on(page_with(bars, 4000, 3000), detector)
    assert len(found) == len(bars)
    assert max(width for width, _ in detector.sizes) <= 640


def test_large_type_on_a_large_sheet_is_not():
    bars = [(200, y, 2600, y + 160) for y in range(100, 2900, 230)]
    detector = Detector(least_px=12)
    assert len(found_on(page_with(bars, 4000, 3000), detector)) == len(bars)
    assert len(detector.sizes) == 1


def test_blank_tiles_are_passed_over():
    detector = Detector()
    found_on(page_with([(20, 30, 280, 50)], 300, 9000), detector)
    assert len(detector.sizes) == 1
    assert found_on(page_with([], 300, 9000), detector) == []
    assert len(detector.sizes) == 1


def test_text_far_from_ink_is_not_believed():
    """Detectors see text all over tiles that hold next to nothing."""
    detector = Detector()
    everywhere = lambda pixels, size: np.full(size[::-1], 255, np.uint8)  # noqa: E731
    pixels = page_with([(20, 3000, 280, 3020)], 300, 9000)
    lines = find_lines(pixels, 640, everywhere, detector.line_boxes)
    assert len(lines) == 1
    assert lines[0][5] - lines[0][1] < 60
