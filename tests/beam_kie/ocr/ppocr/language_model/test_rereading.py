import numpy as np
import pytest

from beam_kie.ocr.ppocr.decoding import decode
from beam_kie.ocr.ppocr.language_model.rereading import Rereader
from beam_kie.ocr.ppocr.reader import LineFrames

CHARACTERS = [chr(code) for code in (*range(33, 127), *map(ord, "áéł国□"), ord(" "))]
CLASSES = {"": 0, **{text: index for index, text in enumerate(CHARACTERS, 1)}}


@pytest.fixture(scope="module")
def rereader():
    return Rereader(CHARACTERS)


def read_again(rereader, text, other=(), certain=0.6):
    """What is made of a line in which characters (by their places) are doubtful, but for ``other`` ones."""
    other = dict(other)
    count = 2 * len(text) + 1
    table = np.full((count, len(CHARACTERS) + 1), 1e-9)
    table[:, 0] = 1
    for place, character in enumerate(text):
        row = table[2 * place + 1]
        row[0], row[CLASSES[character]] = 1e-9, 1
        if place in other:
            row[CLASSES[character]], row[CLASSES[other[place]]] = certain, 1 - certain
    classes = table.argmax(axis=1).astype(np.int32)
    likely = table.max(axis=1).astype(np.float32)
    line = LineFrames(classes, likely, lambda frames, asked: np.log(table[np.ix_(frames, asked)]))
    changed = rereader.reread(line, decode(classes, likely, CHARACTERS, count, 6))
    return None if changed is None else decode(*changed, CHARACTERS, count, 6)


def test_a_letter_changes_and_is_as_certain_as_the_network_was_of_it(rereader):
    reading = read_again(rereader, "if Applicaule", {10: "b"})
    assert reading.text == "if Applicable"
    assert reading.weakest == pytest.approx(0.4)
    assert len(reading.char_spans) == len(reading.text)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        # Words with digits.
        ("Invoice Applicaule7", {15: "b"}),
        ("Serial AB0UT", {9: "O"}),
        ("Order 4711-Oate", {11: "D"}),
        ("the dat3", {7: "e"}),
        ("Phone 431 869", {9: ""}),
        ("No. 431 of", {3: ""}),
        # Addresses.
        ("ask smlth@example.org", {6: "i"}),
        ("www.exanple.org", {6: "m"}),
        # Single letters, short abbreviations.
        ("Mr. J. Smith", {4: "I"}),
        ("Form AMD", {7: "N"}),
        # Characters that are no letters, and letters for them.
        ("Total:", {5: "l"}),
        ("Tota1", {4: "l"}),
        ("□ other", {0: "I"}),
        ("Total", {4: "1"}),
        # Lines with letters of other languages or scripts.
        ("Applicaule opłata", {8: "b"}),
        ("Applicaule 国", {8: "b"}),
    ],
)
def test_what_may_not_change_stays(rereader, text, other):
    assert read_again(rereader, text, other) is None


def test_beside_a_word_with_digits_others_change(rereader):
    assert read_again(rereader, "Datc: 4711-OI", {3: "e", 11: "O"}).text == "Date: 4711-OI"


def test_certain_lines_stay(rereader):
    assert read_again(rereader, "if Applicaule", {10: "b"}, certain=0.99) is None
    assert read_again(rereader, "if Applicaule", {10: "b"}, certain=0.95).text == "if Applicable"


def test_a_rule_below_the_text_goes(rereader):
    assert read_again(rereader, "Date_", {4: ""}).text == "Date"


def test_without_other_classes_a_line_stays(rereader):
    line = LineFrames(np.array([CLASSES["a"]]), np.array([0.6]))
    assert rereader.reread(line, decode(*line[:2], CHARACTERS, 1, 6)) is None
