import itertools

import pytest

from beam_kie.forms import LANGUAGES, Look, generate_domain_layout
from beam_kie.forms.model import ANSWER, HEADER, OTHER, QUESTION
from beam_kie.forms.written import sheet_words


@pytest.fixture(scope="module")
def layouts():
    made = [
        generate_domain_layout(language, seed, look=Look.TYPED)
        for language in LANGUAGES
        for seed in range(4 if language != "en" else 12)
    ]
    assert all(len(layout.entries) > 5 for layout in made)
    return made


def test_labels_and_links_fit_together(layouts):
    for layout in layouts:
        labels = [entry.label for entry in layout.entries]
        assert {QUESTION, ANSWER} <= set(labels) <= {QUESTION, ANSWER, HEADER, OTHER}
        for entry in layout.entries:
            assert entry.linking or entry.label != ANSWER
            for key, value in entry.linking:
                assert (labels[key], labels[value]) == (QUESTION, ANSWER)


def test_texts_lie_on_the_sheet_and_not_on_one_another(layouts):
    for layout in layouts:
        boxes = [(piece.polygon, piece.text) for entry in layout.entries for piece in entry.pieces]
        for (x0, y0, x1, _, _, y1, *_), text in boxes:
            assert 0 <= x0 < x1 <= layout.width_px and 0 <= y0 < y1 <= layout.height_px, text
        for (a, first), (b, second) in itertools.combinations(boxes, 2):
            width, height = min(a[4], b[4]) - max(a[0], b[0]), min(a[5], b[5]) - max(a[1], b[1])
            smaller = min((p[4] - p[0]) * (p[5] - p[1]) for p in (a, b))
            assert width <= 0 or height <= 0 or width * height < 0.15 * smaller, (first, second)


def close_together(layout):
    """The labels of entries that stand right below one another in one column, and whether they are one."""
    lines = [(piece.polygon, entry) for entry in layout.entries for piece in entry.pieces]
    for (a, upper), (b, lower) in itertools.product(lines, lines):
        height = min(a[5] - a[1], b[5] - b[1])
        if abs(a[0] - b[0]) < height and -0.2 * height < b[1] - a[5] < 0.35 * height:
            yield upper.label + lower.label, upper is lower


def test_lines_at_the_pitch_of_running_text_are_mostly_fields_of_their_own(layouts):
    english = [pair for layout in layouts if layout.language == "en" for pair in close_together(layout)]
    for label in (QUESTION, ANSWER):
        one = [same for labels, same in english if labels == 2 * label]
        assert len(one) > 60 and 0.1 < sum(one) / len(one) < 0.6, label
    printed = [generate_domain_layout("en", seed, look=Look.FORM, labels="xfund") for seed in range(8)]
    one = [same for layout in printed for labels, same in close_together(layout) if labels == 2 * QUESTION]
    assert one.count(True) > 0.8 * len(one)


def test_memos_say_to_whom_they_go(layouts):
    keys = {key.lower() for key in sheet_words("en")["memo_keys"]}
    found = {
        entry.text.strip(" :").lower(): [layout.entries[value].text for _, value in entry.linking]
        for layout in layouts
        if layout.language == "en"
        for entry in layout.entries
        if entry.text.strip(" :").lower() in keys
    }
    assert len(found) > 4
    assert any(len(values) > 1 for values in found.values())


def test_the_years_of_some_sheets_are_those_of_typewriters(layouts):
    text = " ".join(entry.text for layout in layouts for entry in layout.entries)
    assert any(f"{year}" in text for year in range(1964, 1990))
    assert any(f"{year}" in text for year in range(2010, 2026))
