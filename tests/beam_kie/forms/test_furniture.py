import random

import pytest

from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.furniture import furniture, line_numbers
from beam_kie.forms.model import ANSWER, LANGUAGES, OTHER, QUESTION
from beam_kie.forms.sheet import KEY, Sheet
from beam_kie.forms.theme import make_theme


def sheet_of(language="en", seed=1, labels="funsd"):
    rng = random.Random(seed)
    content = DomainContent.load(language, "tax", rng)
    theme = make_theme(rng, content.words, labels, noto_only=True)
    return Sheet(595.0, 842.0, theme, rng, margin=50), content


def finished(sheet):
    return sheet.finish("en", "made", 0, 72)


def test_an_office_adds_numbers_and_lines_that_are_no_entities():
    texts = set()
    for seed in range(60):
        sheet, content = sheet_of(seed=seed)
        furniture(sheet, content)
        layout = finished(sheet)
        assert {entry.label for entry in layout.entries} <= {OTHER}
        for entry in layout.entries:
            assert (
                0 <= entry.polygon[0] < entry.polygon[2] <= 595
                and 0 <= entry.polygon[1] < entry.polygon[5] <= 842
            )
            texts.add(entry.text)
    assert any(text.replace(" ", "").isdigit() and len(text) > 4 for text in texts)
    assert any(":" in text for text in texts), "the time of a fax"
    assert any("FORM" in text or "Rev." in text for text in texts)


def test_what_is_printed_already_stays_free_of_it():
    for seed in range(30):
        sheet, content = sheet_of(seed=seed)
        taken = (0.0, 0.0, 595.0, 842.0)
        sheet.entry(OTHER, [("all of it", taken)])
        furniture(sheet, content)
        assert sheet.entries == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_of_lines_are_values_of_the_word_above_them(language):
    sheet, content = sheet_of(language, labels="xfund")
    for number in range(10):
        pieces = sheet.paragraph(["Key"], sheet.left, 100.0 + 30 * number, 0, sheet.theme.key)
        sheet.entry(
            ANSWER,
            sheet.paragraph(["1"], 200, 100.0 + 30 * number, 0, sheet.theme.key),
            sheet.entry(KEY, pieces),
        )
    before = sheet.entries
    line_numbers(sheet, content)
    layout = finished(sheet)
    word, *numbers = layout.entries[before:]
    assert word.label == QUESTION and len(numbers) == len(word.linking) >= 6
    values = [int(entry.text) for entry in numbers]
    assert values == list(range(values[0], values[0] + len(values)))
    assert all(entry.polygon[2] <= sheet.left for entry in numbers)


def test_few_keys_get_no_numbers():
    sheet, content = sheet_of(labels="xfund")
    sheet.entry(KEY, sheet.paragraph(["Key"], sheet.left, 100.0, 0, sheet.theme.key))
    line_numbers(sheet, content)
    assert sheet.entries == 1
