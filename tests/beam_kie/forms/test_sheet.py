import random
from dataclasses import replace

from beam_kie.forms import texts
from beam_kie.forms.model import ANSWER, HEADER, OTHER, QUESTION
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.tables import Table, draw_table
from beam_kie.forms.theme import make_theme
from beam_kie.forms.vocabulary import load


def sheet_of(labels="funsd", **theme):
    rng = random.Random(1)
    made = replace(make_theme(rng, load("en"), labels, noto_only=True), **theme)
    return Sheet(400.0, 500.0, made, rng, margin=20)


def finished(sheet):
    return sheet.finish("en", "made", 0, 72).entries


def key(sheet, text):
    return sheet.entry(KEY, sheet.paragraph([text], 20, 50, 0, sheet.theme.key))


def test_the_number_of_a_key_is_a_text_of_its_own_where_the_theme_has_it_so():
    sheet = sheet_of(numbers_apart=True)
    value = sheet.paragraph(["1987"], 200, 50, 0, sheet.theme.value)
    sheet.entry(ANSWER, value, key(sheet, "(12) Year covered"))
    number, question, answer = finished(sheet)
    assert (number.text, number.label) == ("(12)", OTHER)
    assert (question.text, question.label) == ("Year covered", QUESTION)
    assert question.linking == answer.linking == ((question.id, answer.id),)
    assert number.polygon[0] == 20 and number.polygon[2] < question.polygon[0]


def test_keys_without_a_number_or_of_numbers_alone_stay_whole():
    for apart, text in ((True, "Year covered"), (True, "12 13"), (True, "3rd party"), (False, "1. Year")):
        sheet = sheet_of(numbers_apart=apart)
        key(sheet, text)
        assert [entry.text for entry in finished(sheet)] == [text]


def test_words_of_free_text_are_texts_of_their_own_where_the_theme_has_it_so():
    sheet = sheet_of(words_apart=True, paragraph_lines=False)
    lines = ["Answer every", "question."]
    sheet.each_line(OTHER, sheet.paragraph(lines, 20, 50, 0, sheet.theme.key))
    sheet.each_line(ANSWER, sheet.paragraph(lines, 20, 150, 0, sheet.theme.key), key(sheet, "Note"))
    *words, question, answer = finished(sheet)
    assert [word.text for word in words] == ["Answer", "every", "question."]
    assert words[0].polygon[2] < words[1].polygon[0] and words[1].polygon[1] < words[2].polygon[1]
    assert answer.text == "Answer every question." and question.text == "Note"


def test_headings_are_in_capitals_and_end_with_a_colon_where_the_theme_has_it_so():
    sheet = sheet_of(upper_heads=True, heading_colon=":", heading_look="left")
    texts.heading(sheet, "About you", sheet.left, sheet.right)
    assert [(entry.text, entry.label) for entry in finished(sheet)] == [("ABOUT YOU:", HEADER)]


def test_lines_of_a_cell_are_values_of_its_column():
    sheet = sheet_of("xfund")
    assert draw_table(
        sheet, Table(["Op", "Seen"], [["1", "yes\nno"], ["2", "yes\nno"]], ["left"] * 2), 20, 380
    )
    entries = finished(sheet)
    seen = next(entry for entry in entries if entry.text == "Seen")
    values = [entries[value] for _, value in seen.linking]
    assert [value.text for value in values] == ["yes", "no", "yes", "no"]
    tops = [value.polygon[1] for value in values]
    assert tops == sorted(set(tops))
