"""Short texts out of the generator's vocabulary and out of plain text."""

import random

import pytest

from beam_kie.forms import LANGUAGES
from beam_kie.training.line_vectors.phrases import LONGEST, phrases, vocabulary_lines

ENGLISH = ["the quick brown fox jumps over the lazy dog, and runs into the wood"] * 30
CHINESE = ["今天天气很好，我们去公园散步。明天可能会下雨，记得带伞。"] * 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_vocabulary_has_thousands_of_short_texts_each_once(language):
    found = vocabulary_lines(language)
    assert len(found) == len(set(found)) > 3000
    assert all(0 < len(text) <= LONGEST and text.strip() for text in found)


def test_the_vocabulary_has_keys_options_and_headings():
    found = set(vocabulary_lines("en"))
    assert {"Tax year", "Cash basis", "Taxpayer information", "VAT Registration"} <= found


def test_phrases_are_parts_of_their_lines():
    found = phrases(ENGLISH, "en", 30, random.Random(0))
    assert len(set(found)) == len(found) > 5
    assert all(len(text.split()) <= 7 and text.lower() in ENGLISH[0] for text in found)
    assert {text[0].isupper() for text in found} == {True, False}


def test_phrases_in_ideographs_end_at_punctuation():
    found = phrases(CHINESE, "zh", 30, random.Random(0))
    assert set(found) <= {"今天天气很好", "我们去公园散步", "明天可能会下雨", "记得带伞"}
    assert len(found) > 1


def test_lines_without_a_phrase_give_none():
    assert phrases(["short", "，，，，，，，，，，"], "zh", 5, random.Random(0)) == []
