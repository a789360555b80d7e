import random

import pytest

from beam_kie.imaging.pdf_lines import Glyph, assemble_lines

WIDTH, HEIGHT = 6, 12  # of a character
SPACE = Glyph(" ", None)  # as pdfium puts between words that follow each other


def word(text: str, x: float, y: float, height: float = HEIGHT) -> list[Glyph]:
    return [
        Glyph(letter, (x + WIDTH * place, y, x + WIDTH * (place + 1), y + height))
        for place, letter in enumerate(text)
    ]


def texts(glyphs: list[Glyph]) -> list[str]:
    return [line.text for line in assemble_lines(glyphs)]


def test_words_of_a_line_stay_together():
    glyphs = [*word("Name:", 10, 20), SPACE, *word("Li", 44, 20), SPACE, *word("Lei", 60, 20)]
    assert texts(glyphs) == ["Name: Li Lei"]


def test_words_far_apart_are_lines_of_their_own():
    assert texts([*word("Name:", 10, 20), SPACE, *word("Li", 60, 20)]) == ["Name:", "Li"]


def test_real_white_space_is_no_gap():
    # An ideographic space is as wide as a character: 氏　名 is one word of a form.
    row = [Glyph("氏", (0, 0, 12, 12)), Glyph("\u3000", (12, 0, 24, 12)), Glyph("名", (24, 0, 36, 12))]
    assert texts(row) == ["氏 名"]


def test_spaces_that_nobody_wrote_come_only_inside_lines():
    glyphs = [SPACE, *word("ab", 0, 0), SPACE, *word("c", 14, 0), SPACE, *word("d", 100, 0), SPACE]
    assert texts(glyphs) == ["ab c", "d"]


def test_the_order_of_the_file_does_not_matter():
    words = [
        [*word(text, x, y), SPACE] for y in (0, 20, 40) for x, text in ((0, "ab"), (16, "cd"), (90, "ef"))
    ]
    random.Random(7).shuffle(words)
    assert texts([glyph for group in words for glyph in group]) == ["ab cd", "ef"] * 3
    # Joined from apart, words of one line get a space only where there is a gap.
    assert texts([*word("cd", 12, 0), SPACE, *word("x", 0, 50), SPACE, *word("ab", 0, 0)])[0] == "abcd"


def test_text_from_right_to_left_keeps_its_order():
    letters = [Glyph(letter, (30 - 6 * place, 0, 36 - 6 * place, 12)) for place, letter in enumerate("שלום")]
    assert texts(letters) == ["שלום"]


def test_lines_below_each_other_stay_apart():
    assert texts(word("one", 0, 0) + word("two", 0, 13)) == ["one", "two"]


def test_superscripts_belong_to_their_line():
    assert texts([*word("12m", 0, 10), *word("2", 18, 8, height=6), *word("/h", 22, 10)]) == ["12m2/h"]


def test_accents_over_a_letter_belong_to_their_line():
    assert texts([*word("a", 0, 0), *word("´", 6, 0), *word("e", 6, 0)]) == ["a´e"]


def test_boxes_enclose_the_written_characters_only():
    glyphs = [*word(" ", 0, 5), *word("ab", 6, 5), *word("g", 18, 7), *word("  ", 24, 5)]
    (line,) = assemble_lines(glyphs)
    assert line.box == (6, 5, 24, 19)
    assert line.polygon == (6, 5, 24, 5, 24, 19, 6, 19)
    assert line.confidence is None


def test_characters_in_two_halves_are_joined():
    assert texts(word("\ud83d", 0, 0) + word("\ude00", 6, 0)) == ["😀"]
    assert texts(word("\ud83d", 0, 0)) == ["\ufffd"]


@pytest.mark.parametrize("glyphs", [[], [Glyph(" ", None)], word("  ", 0, 0)])
def test_no_text_is_no_line(glyphs):
    assert assemble_lines(glyphs) == []


def column(text, x, top=100, em=20):
    return [Glyph(char, (x, top + em * row, x + em, top + em * (row + 1))) for row, char in enumerate(text)]


def test_columns_of_japanese_are_lines_from_right_to_left():
    glyphs = [*column("住所大阪市北区", 300), *column("氏名山田花子", 200), *column("電話番号", 100)]
    lines = assemble_lines(glyphs)
    assert [line.text for line in lines] == ["住所大阪市北区", "氏名山田花子", "電話番号"]
    assert lines[0].box == (300, 100, 320, 240)


def test_a_gap_in_a_column_separates_cells():
    lines = assemble_lines([*column("氏名", 300), *column("山田花子", 300, top=200)])
    assert [line.text for line in lines] == ["氏名", "山田花子"]


def test_cells_of_one_digit_below_one_another_are_no_column():
    lines = assemble_lines([*column("1234", 100), *column("5678", 200)])
    assert [line.text for line in lines] == list("15263748")
