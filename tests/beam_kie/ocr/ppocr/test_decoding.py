import numpy as np
import pytest

from beam_kie.ocr.ppocr.decoding import decode

CHARACTERS = ["a", "b", "国", " "]


def read(classes, probabilities=None, line=None, height=6.0):
    classes = np.array(classes, np.int32)
    if probabilities is None:
        probabilities = np.ones(len(classes), np.float32)
    return decode(classes, np.asarray(probabilities, np.float32), CHARACTERS, line or len(classes), height)


def test_frames_of_one_class_in_a_row_write_once_and_blanks_part_them():
    assert read([0, 1, 1, 0, 1, 2, 2, 0, 4, 3]).text == "aab 国"


def test_the_confidence_is_the_mean_of_what_each_character_began_with():
    reading = read([1, 1, 0, 2], [0.9, 0.1, 0.3, 0.5])
    assert reading.confidence == pytest.approx(0.7)
    assert reading.weakest == pytest.approx(0.5)


def test_a_line_of_blanks_says_nothing_for_certain():
    assert read([0, 0, 0])[:4] == ("", 0.0, (), 0.0)
    assert read([])[:4] == ("", 0.0, (), 0.0)


@pytest.mark.parametrize(
    ("probabilities", "gap"),
    [
        ([1, 0.2, 0.9, 0.2, 0.7, 0.8, 0.3], 0.7),
        ([0.6, 0.2, 0.9, 0.2, 0.7, 0.8, 0.3], 0.6),
        # Known to be blank without being asked.
        ([0, 0.2, 0.9, 0.2, 0, 0, 0], 1.0),
    ],
)
def test_how_certain_gaps_are_is_seen_away_from_characters_and_within_the_line(probabilities, gap):
    assert read([0, 0, 1, 0, 0, 0, 0], probabilities, line=5.2).gap == pytest.approx(gap)


def test_each_character_has_a_place_between_its_neighbours():
    reading = read([1, 0, 2, 2, 0, 0, 3, 0], height=3.0)
    assert len(reading.char_spans) == len(reading.text) == 3
    flat = [value for span in reading.char_spans for value in span]
    assert flat == sorted(flat)
    for (start, end), centre in zip(reading.char_spans, (0.5, 3.0, 6.5), strict=True):
        assert 0 <= start < centre / 8 < end <= 1


def test_beside_a_gap_a_character_is_no_wider_than_its_kind():
    classes = [0] * 40
    classes[2] = 1
    classes[36] = 3
    (_, end_of_letter), (start_of_sign, _) = read(classes, height=6.0).char_spans
    assert end_of_letter * 40 < 2.5 + 6 / 2
    assert start_of_sign * 40 > 36.5 - 6


def test_places_end_with_the_line_where_frames_go_on():
    reading = read([0, 1, 0, 2, 0, 0], line=4.0)
    assert reading.char_spans[-1][1] <= 1
