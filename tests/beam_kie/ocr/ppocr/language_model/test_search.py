import math

import numpy as np
import pytest

from beam_kie.ocr.ppocr.language_model.ngrams import load_characters
from beam_kie.ocr.ppocr.language_model.search import Search, aligned

CHARACTERS = [*"abcdefghijklmnopqrstuvwxyz", " ", "1"]
CLASSES = {"-": 0, **{text: index for index, text in enumerate(CHARACTERS, 1)}}


@pytest.fixture(scope="module")
def search():
    return Search(load_characters(), CHARACTERS)


def frames_of(*parts):
    """Frames: of a text one for each character ("-" is a blank), of a dict what a frame may be."""
    frames = []
    for part in parts:
        choices = [part] if isinstance(part, dict) else [{character: 1.0} for character in part]
        frames += [[(CLASSES[text], math.log(value)) for text, value in one.items()] for one in choices]
    return frames


def better(search, frames, text):
    found = search.better(frames, tuple(CLASSES[character] for character in text))
    return None if found is None else "".join(CHARACTERS[index - 1] for index in found)


def test_a_letter_gives_way_to_a_likely_one_that_goes_with_the_others(search):
    doubtful = frames_of("ap-plica", {"u": 0.7, "b": 0.3}, "le")
    assert better(search, doubtful, "applicaule") == "applicable"
    certain = frames_of("ap-plica", {"u": 0.9999, "b": 1e-6}, "le")
    assert better(search, certain, "applicaule") is None


def test_a_letter_that_the_frames_do_not_give_is_never_written(search):
    frames = frames_of("ap-plica", {"u": 0.6, "t": 0.4}, "le")
    assert better(search, frames, "applicaule") in (None, "applicatle")


def test_lost_spaces_and_lost_letters_come_back(search):
    assert better(search, frames_of("date", {"-": 0.6, " ": 0.4}, "of"), "dateof") == "date of"
    assert better(search, frames_of("locat", {"-": 0.6, "i": 0.4}, "on"), "locaton") == "location"
    assert better(search, frames_of("com", {"-": 0.6, "m": 0.4}, "-munity"), "commmunity") != "commmunity"


def test_a_space_neither_begins_a_line_nor_follows_another(search):
    frames = frames_of({" ": 0.9, "-": 0.1}, "date ", {"-": 0.2, " ": 0.8}, "of")
    assert better(search, frames, " date  of") == "date of"


def test_a_space_that_may_not_change_stays_wherever_it_is(search):
    """Such as one before a number, at the beginning of a line."""
    begins = frames_of(" -1 dat", {"c": 0.7, "e": 0.3}, "-")
    assert better(search, begins, " 1 datc") == " 1 date"
    assert better(search, frames_of({" ": 0.9, "-": 0.1}, "- ", "1"), "  1") in (None, " 1")


def test_what_is_usual_stays(search):
    frames = frames_of("dat", {"e": 0.5, "c": 0.5}, "-")
    assert better(search, frames, "date") is None


def test_all_ways_to_write_a_text_count(search):
    """Several frames in which a letter may stand make it likelier than one does."""
    frame = {"-": 0.99, "i": 0.01}
    assert better(search, frames_of("locat", frame, "on"), "locaton") is None
    assert better(search, frames_of("locat", *[frame] * 4, "on"), "locaton") == "location"


def test_the_most_likely_way_through_the_frames():
    a, b = CLASSES["a"], CLASSES["b"]
    frames = frames_of(
        {"-": 0.9, "a": 0.1},
        {"-": 0.3, "a": 0.7},
        {"-": 0.6, "a": 0.4},
        {"-": 0.2, "a": 0.8},
        {"b": 0.4, "a": 0.6},
    )
    classes, probabilities = aligned(frames, [a, a, b])
    assert classes.tolist() == [0, a, 0, a, b]
    assert probabilities == pytest.approx(np.array([0.9, 0.7, 0.6, 0.8, 0.4]))
    assert aligned(frames[:4], [])[0].tolist() == [0] * 4
