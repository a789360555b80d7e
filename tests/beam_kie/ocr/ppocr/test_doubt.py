import numpy as np
import pytest

from beam_kie.ocr.pages import Reading
from beam_kie.ocr.ppocr.doubt import SAMPLE, is_doubtful, is_hard, sample_of


def doubtful(text, confidence, width=300, weakest=None, gap=None):
    reading = Reading(text, confidence, weakest=weakest, gap=gap)
    return is_doubtful(np.zeros((48, width, 3), np.uint8), reading)


def test_what_is_read_badly_is_in_doubt_and_what_is_certain_is_not():
    for text in ("Invoice", "发票号码", "12"):
        assert doubtful(text, 0.9)
        assert not doubtful(text, 0.999)
    assert doubtful("", 0.0)


def test_chinese_needs_less_certainty_than_letters():
    assert doubtful("Invoice", 0.97)
    assert not doubtful("发票号码", 0.97)


def test_a_guessed_character_makes_a_chinese_line_doubtful():
    assert doubtful("共同申请人的发票号码", 0.98, weakest=0.4)
    assert not doubtful("共同申请人的发票号码", 0.98, weakest=0.9)


def test_where_a_character_may_have_been_overlooked_a_line_is_doubtful_however_certain_the_others_are():
    for text in ("Invoice", "发票号码"):
        assert doubtful(text, 1.0, weakest=1.0, gap=0.5)
        assert not doubtful(text, 1.0, weakest=1.0, gap=0.9)


@pytest.mark.parametrize(
    ("joined", "apart"),
    [
        ("No:INV-20417", "No: INV-20417"),
        ("bis:12", "bis: 12"),
        ("Nr.RE-2", "Nr. RE-2"),
        ("Ort,Kreis", "10:30"),
    ],
)
def test_where_a_space_may_be_missing_a_line_is_doubtful(joined, apart):
    assert doubtful(joined, 1.0)
    assert not doubtful(apart, 1.0)
    assert not doubtful(f"发票号码{joined}", 1.0)


@pytest.mark.parametrize(("confidence", "widths"), [(0.98, (100, 400)), (0.987, (100,))])
def test_the_longer_a_line_the_less_certain_it_must_be(confidence, widths):
    assert [width for width in (100, 400, 1000) if doubtful("Invoice number", confidence, width)] == list(
        widths
    )


def test_a_page_is_hard_where_half_of_its_text_is_in_doubt():
    lines = [np.zeros((48, width, 3), np.uint8) for width in (100, 100, 300)]
    sure, unsure = Reading("12", 0.999), Reading("12", 0.7)
    assert is_hard(lines, [sure, sure, unsure])
    assert not is_hard(lines, [unsure, unsure, sure])
    assert not is_hard(lines, [sure] * 3)
    assert not is_hard([], [])


def test_the_sample_is_from_all_over_the_page():
    assert sample_of(0) == []
    assert sample_of(3) == [0, 1, 2]
    sample = sample_of(100)
    assert (len(sample), sample[0], sample[-1]) == (SAMPLE, 0, 99)
    assert max(np.diff(sample)) <= 15
