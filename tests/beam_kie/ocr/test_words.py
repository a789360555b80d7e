import pytest

from beam_kie.document import LineSpan, TextLine
from beam_kie.geometry import box_polygon, polygon_box
from beam_kie.layoutxlm.decoding.entities import span_polygon
from beam_kie.ocr.words import join_words


def word(text, box):
    return TextLine(text, box_polygon(box), 0.9)


def test_characters_of_joined_words_lie_where_the_words_do():
    """Far from where their usual widths would put them."""
    line = join_words([word("Name:", (100, 40, 160, 60)), word("Lee", (400, 40, 440, 60))])
    assert line.text == "Name: Lee"
    assert len(line.char_spans) == len(line.text)
    assert polygon_box(span_polygon(line, LineSpan(0, 0, 5))) == pytest.approx((100, 40, 160, 60), abs=0.1)
    assert polygon_box(span_polygon(line, LineSpan(0, 6, 9))) == pytest.approx((400, 40, 440, 60), abs=0.1)


def test_words_of_a_slanted_line_and_of_a_column():
    slanted = join_words(
        [
            TextLine("ab", (0.0, 0, 40, 4, 38, 24, -2, 20)),
            TextLine("cd", (100.0, 10, 140, 14, 138, 34, 98, 30)),
        ]
    )
    x0, _, x1, _ = polygon_box(span_polygon(slanted, LineSpan(0, 3, 5)))
    assert (x0, x1) == (pytest.approx(98, abs=3), pytest.approx(140, abs=3))
    column = join_words([word("氏名", (0, 0, 20, 40)), word("山田", (0, 100, 20, 140))])
    assert column.text == "氏名山田"
    assert polygon_box(span_polygon(column, LineSpan(0, 2, 4))) == pytest.approx((0, 100, 20, 140), abs=0.1)


def test_of_a_single_word_nothing_is_known():
    assert join_words([word("Name", (0, 0, 40, 20))]).char_spans is None
