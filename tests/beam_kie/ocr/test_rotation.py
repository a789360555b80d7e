import pytest

from beam_kie.geometry import box_polygon
from beam_kie.ocr.rotation import (
    SURE,
    are_columns,
    find_rotation,
    in_doubt,
    is_sideways,
    longest_lines,
    sample_confidence,
)

LYING = box_polygon((0, 0, 300, 30))
STANDING = box_polygon((0, 0, 30, 300))
SHORT = box_polygon((0, 0, 30, 30))


def test_a_page_is_sideways_when_most_of_its_text_stands():
    assert not is_sideways([])
    assert not is_sideways([SHORT, LYING, STANDING])
    assert is_sideways([SHORT, LYING, STANDING, STANDING])
    # By length: five short words lie, one long line stands.
    assert is_sideways([box_polygon((0, 0, 40, 20))] * 5 + [STANDING])


def test_the_longest_lines_are_the_sample():
    lines = [box_polygon((0, 0, 60 + i, 20)) for i in range(12)]
    assert longest_lines([STANDING, *lines, SHORT]) == [12, 11, 10, 9, 8, 7, 6, 5]
    assert longest_lines([LYING, STANDING, SHORT], standing=True) == [1]
    assert longest_lines([SHORT]) == []


def test_the_sample_alone_is_asked_for_its_confidence():
    assert sample_confidence([LYING, SHORT, LYING], [0.5, 0.0, 0.7]) == pytest.approx(0.6)
    assert sample_confidence([SHORT], [0.9]) == 0
    assert sample_confidence([], []) == 0


def test_only_pages_that_read_badly_or_lie_sideways_are_in_doubt():
    assert not in_doubt([LYING], [SURE])
    assert in_doubt([LYING], [SURE - 0.01])
    assert in_doubt([STANDING], [1.0])
    # Nothing that could be asked: no text at all, or single characters only.
    assert not in_doubt([], [])
    assert not in_doubt([SHORT], [0.1])


@pytest.mark.parametrize(
    ("sideways", "scores", "expected", "asked"),
    [
        (False, {0: 0.95}, 0, [0]),
        (False, {0: 0.6, 180: 0.98}, 180, [0, 180]),
        (False, {0: 0.6, 180: 0.5}, 0, [0, 180]),
        (False, {0: 0.6, 180: 0.65}, 0, [0, 180]),
        (False, {0: 0.0, 180: 0.0}, 0, [0, 180]),
        (True, {90: 0.97, 270: 0.6}, 90, [90, 270]),
        (True, {90: 0.6, 270: 0.97}, 270, [90, 270]),
        (True, {90: 0.3, 270: 0.4, 0: 0.95}, 0, [90, 270, 0]),
        (True, {90: 0.3, 270: 0.7, 0: 0.4, 180: 0.2}, 270, [90, 270, 0, 180]),
        (True, {90: 0.3, 270: 0.4, 0: 0.35, 180: 0.98}, 180, [90, 270, 0, 180]),
        (True, {90: 0.3, 270: 0.4, 0: 0.35, 180: 0.3}, 0, [90, 270, 0, 180]),
    ],
)
def test_the_rotation_that_reads_best_and_no_more_readings_than_needed(sideways, scores, expected, asked):
    probed = []

    def probe(rotation_deg):
        probed.append(rotation_deg)
        return scores[rotation_deg]

    assert find_rotation(sideways, probe) == expected
    assert probed == asked


def test_standing_lines_are_columns_where_their_characters_read_upright():
    assert are_columns([0.99, 0.97], [1.0, 0.98])
    assert are_columns([0.8, 0.9], [0.9, 0.6])
    assert not are_columns([0.99, 0.98], [0.7, 0.7])
    assert not are_columns([], [])
