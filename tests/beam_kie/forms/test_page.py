import itertools

import pytest

from beam_kie.forms import KINDS, LANGUAGES, generate_layout
from beam_kie.forms.model import ANSWER, HEADER, OTHER, QUESTION

EVERY = list(itertools.product(LANGUAGES, KINDS))


@pytest.fixture(scope="module")
def layouts():
    return [generate_layout(language, seed, kind) for language, kind in EVERY for seed in range(3)]


def test_the_same_arguments_give_the_same_form():
    assert generate_layout("fr", 7, "tax") == generate_layout("fr", 7, "tax")
    assert generate_layout("fr", 7, "tax").entries != generate_layout("fr", 8, "tax").entries


def test_a_form_keeps_what_was_asked_for():
    layout = generate_layout("de", 3, "order", dpi=100)
    assert (layout.language, layout.kind, layout.seed, layout.dpi) == ("de", "order", 3, 100)
    assert 800 < layout.width_px < 1200


def test_resolution_scales_everything():
    low, high = generate_layout("ja", 5, "medical", dpi=72), generate_layout("ja", 5, "medical", dpi=144)
    assert [e.text for e in low.entries] == [e.text for e in high.entries]
    for small, large in zip(low.entries, high.entries, strict=True):
        assert large.polygon == pytest.approx([2 * value for value in small.polygon])


@pytest.mark.parametrize(
    "arguments", [("xx", 0, None), ("de", 0, "novel")], ids=["unknown language", "unknown kind"]
)
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="unknown"):
        generate_layout(*arguments)


def test_an_unknown_annotation_style_is_refused():
    with pytest.raises(ValueError, match="annotation style"):
        generate_layout("de", 0, labels="other")


def test_ids_count_up_and_no_entry_is_empty(layouts):
    for layout in layouts:
        assert [entry.id for entry in layout.entries] == list(range(len(layout.entries)))
        assert all(entry.text.strip() and entry.pieces for entry in layout.entries)
        assert {entry.label for entry in layout.entries} <= {QUESTION, ANSWER, HEADER, OTHER}


def test_links_join_a_question_and_an_answer_of_the_page_and_stand_on_both(layouts):
    for layout in layouts:
        labels = [entry.label for entry in layout.entries]
        for entry in layout.entries:
            for link in entry.linking:
                assert entry.id in link
                assert (labels[link[0]], labels[link[1]]) == (QUESTION, ANSWER)
                assert all(link in layout.entries[end].linking for end in link)


def test_every_answer_has_a_question(layouts):
    for layout in layouts:
        assert all(entry.linking for entry in layout.entries if entry.label == ANSWER)


def test_polygons_lie_on_the_page(layouts):
    for layout in layouts:
        for entry in layout.entries:
            for polygon in (entry.polygon, *(piece.polygon for piece in entry.pieces)):
                xs, ys = polygon[0::2], polygon[1::2]
                assert 0 <= min(xs) < max(xs) <= layout.width_px
                assert 0 <= min(ys) < max(ys) <= layout.height_px


def overlap(a, b):
    width = min(a[4], b[4]) - max(a[0], b[0])
    height = min(a[5], b[5]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((p[4] - p[0]) * (p[5] - p[1]) for p in (a, b))
    return width * height / smaller


def test_texts_do_not_lie_on_one_another(layouts):
    for layout in layouts:
        pieces = [piece for entry in layout.entries for piece in entry.pieces]
        for first, second in itertools.combinations(pieces, 2):
            assert overlap(first.polygon, second.polygon) < 0.15, (layout, first.text, second.text)


def test_an_entry_is_made_of_its_lines(layouts):
    for layout in layouts:
        joint = "" if layout.language in ("zh", "ja") else " "
        for entry in layout.entries:
            assert entry.text == joint.join(piece.text for piece in entry.pieces)
            assert entry.polygon[0] == min(piece.polygon[0] for piece in entry.pieces)
            assert entry.polygon[5] == max(piece.polygon[5] for piece in entry.pieces)


def test_forms_are_believably_full(layouts):
    lines = [sum(len(entry.pieces) for entry in layout.entries) for layout in layouts]
    assert 60 < sum(lines) / len(lines) < 100
    assert sum(30 <= count <= 160 for count in lines) > 0.97 * len(lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_forms_of_a_language_differ(language):
    forms = [generate_layout(language, seed) for seed in range(20)]
    keys = {entry.text for form in forms for entry in form.entries if entry.label == QUESTION}
    assert len(keys) > 150
    assert len({form.kind for form in forms}) > 3


def test_wrapped_values_and_several_values_of_a_key_occur(layouts):
    answers = [entry for layout in layouts for entry in layout.entries if entry.label == ANSWER]
    questions = [entry for layout in layouts for entry in layout.entries if entry.label == QUESTION]
    assert sum(len(entry.pieces) > 1 for entry in answers) > 50
    assert sum(len(entry.linking) > 1 for entry in questions) > 200
    assert sum(not entry.linking for entry in questions) > 50


@pytest.mark.parametrize(("labels", "empty_key"), [("xfund", OTHER), ("funsd", QUESTION)])
def test_the_label_of_a_key_without_a_value_is_the_styles(labels, empty_key):
    forms = [generate_layout("en", seed, "tax", labels=labels) for seed in range(60)]
    entries = [entry for form in forms for entry in form.entries if entry.text.startswith("Wages, salaries")]
    empty = [entry for entry in entries if not entry.linking]
    assert empty
    assert {entry.label for entry in empty} == {empty_key}


def test_section_headings_are_questions_over_keys_in_one_style_and_headers_in_the_other():
    def heading_labels(labels):
        forms = [generate_layout("de", seed, "tax", labels=labels) for seed in range(15)]
        parents = [{entry.parent for entry in form.entries} - {None} for form in forms]
        return [form.entries[p].label for form, ps in zip(forms, parents, strict=True) for p in ps]

    assert set(heading_labels("funsd")) == {HEADER}
    xfund = heading_labels("xfund")
    assert xfund.count(QUESTION) > 0.5 * len(xfund)


def test_foreign_sentences_turn_up_in_free_text():
    sentence = "Quokkas visit the harbour office every second Wednesday."
    forms = [generate_layout("en", seed, "application", prose=[sentence]) for seed in range(10)]
    assert any("Quokkas" in entry.text for form in forms for entry in form.entries)


def test_page_numbers_are_printed_where_there_are_several_pages():
    layout = generate_layout("en", 1, "medical", page=(2, 3))
    assert any("2" in entry.text for entry in layout.entries[-3:] if entry.label == OTHER)
