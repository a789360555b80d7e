import cv2
import numpy as np
import pytest

from beam_kie.imaging.ink import brightest, text_ink_box

DPI = 200


def paper(grey: int = 255) -> np.ndarray:
    return np.full((600, 800, 3), grey, np.uint8)


def write(pixels: np.ndarray, text: str, x: int, y: int, colour=(0, 0, 0), size: float = 1.0) -> np.ndarray:
    cv2.putText(pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 2, cv2.LINE_AA)
    return pixels


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_plain_paper_has_nothing(grey):
    assert text_ink_box(paper(grey), DPI) is None


def test_rules_frames_and_areas_are_no_text():
    page = paper()
    cv2.rectangle(page, (50, 50), (700, 300), (0, 0, 0), 2)
    cv2.line(page, (50, 120), (700, 120), (90, 90, 90), 1)
    cv2.line(page, (300, 50), (300, 300), (0, 0, 0), 5)
    cv2.rectangle(page, (60, 400), (600, 500), (200, 30, 30), -1)
    assert text_ink_box(page, DPI) is None


def test_rounded_corners_are_no_text():
    page = paper()
    for centre, angle in (((80, 80), 180), ((400, 80), 270), ((400, 280), 0), ((80, 280), 90)):
        cv2.ellipse(page, centre, (15, 15), angle, 0, 90, (0, 0, 0), 2)
    for start, end in (
        ((80, 65), (400, 65)),
        ((80, 295), (400, 295)),
        ((65, 80), (65, 280)),
        ((415, 80), (415, 280)),
    ):
        cv2.line(page, start, end, (0, 0, 0), 2)
    assert text_ink_box(page, DPI) is None


@pytest.mark.parametrize(
    ("ground", "colour"),
    [(255, (0, 0, 0)), (0, (255, 255, 255)), (255, (200, 200, 255)), (90, (90, 90, 140))],
)
def test_text_is_found_in_any_colour(ground, colour):
    page = write(paper(ground), "Total", 200, 300, colour)
    x0, y0, x1, y1 = text_ink_box(page, DPI)
    assert 190 < x0 < 215 and 260 < y0 < 285 and 260 < x1 < 330 and 295 < y1 < 315


def test_text_inside_a_frame_and_on_a_rule_is_found():
    page = paper()
    cv2.rectangle(page, (50, 50), (700, 300), (0, 0, 0), 2)
    write(page, "gypq", 200, 200)
    cv2.line(page, (60, 203), (690, 203), (0, 0, 0), 2)
    x0, y0, x1, _ = text_ink_box(page, DPI)
    assert x0 > 190 and x1 < 330 and y0 > 170


def test_small_type_is_found():
    assert text_ink_box(write(paper(), "e", 100, 100, size=0.3), DPI) is not None


def test_the_brightest_colour_of_every_pixel():
    pixels = np.random.default_rng(1).integers(0, 256, (7, 9, 3)).astype(np.uint8)
    assert (brightest(pixels) == pixels.max(axis=2)).all()
