from dataclasses import replace

import pytest

from beam_kie.choices.choosing import with_choices
from beam_kie.document import LineSpan, MarkState, PageResult, Relation
from beam_kie.layoutxlm.decoding.entities import entity_from_spans
from beam_kie.tables.key_values import key_values
from tests.beam_kie.ticks.pages import line, mark, page


def result(form, entities, links=(), keyless=()):
    """``entities``: label and spans (line, start, end); ``links``: key, value and confidence."""
    return PageResult(
        form,
        tuple(
            entity_from_spans(form, label, tuple(LineSpan(*span) for span in spans), 0.9)
            for label, *spans in entities
        ),
        tuple(Relation(key, value, confidence, confidence) for key, value, confidence in links),
        keyless,
    )


def rows(found):
    return [
        (pair.key.text, pair.value and pair.value.text, (pair.value or pair.key).selected)
        for pair in key_values(found)
    ]


def test_an_entity_with_several_options_becomes_one_for_each():
    form = page([line("状况：", 20, 100), line("□未婚 ☑已婚 □离异", 100, 100)])
    found = with_choices(result(form, [("QUESTION", (0, 0, 3)), ("ANSWER", (1, 0, 11))], [(0, 1, 0.8)]))
    assert rows(found) == [
        ("状况：", "□未婚", False),
        ("状况：", "☑已婚", True),
        ("状况：", "□离异", False),
    ]
    left, middle, right = (entity.box for entity in found.entities[1:])
    assert left[2] <= middle[0] + 1 and middle[2] <= right[0] + 1
    assert all(relation.confidence < 0.8 for relation in found.relations)


def test_texts_before_their_marks_are_cut_behind_them():
    form = page([line("血液型", 20, 100), line("A型☑ B型□", 100, 100)])
    found = with_choices(result(form, [("QUESTION", (0, 0, 3)), ("ANSWER", (1, 0, 7))], [(0, 1, 0.8)]))
    assert rows(found) == [("血液型", "A型☑", True), ("血液型", "B型□", False)]


def test_a_key_with_its_options_in_one_entity_gets_them_as_values():
    form = page([line("FIRST VISIT? ○ Yes ● No", 20, 100)])
    found = with_choices(result(form, [("QUESTION", (0, 0, 23))]))
    assert rows(found) == [("FIRST VISIT?", "○ Yes", False), ("FIRST VISIT?", "● No", True)]
    assert [entity.label for entity in found.entities] == ["QUESTION", "ANSWER", "ANSWER"]


def test_options_that_were_taken_for_keys_go_with_the_others():
    lines = [line("MARITAL STATUS:", 20, 100)]
    for place, word in enumerate(("○ Single", "● Married", "○ Divorced", "○ Widowed")):
        lines.append(line(word, 200 + 120 * place, 100))
    form = page(lines)
    labels = ("QUESTION", "ANSWER", "QUESTION", "ANSWER", "QUESTION")
    entities = [(label, (index, 0, len(lines[index].text))) for index, label in enumerate(labels)]
    found = with_choices(result(form, entities, [(0, 1, 0.8), (2, 3, 0.2)]))
    assert rows(found) == [
        ("MARITAL STATUS:", "○ Single", False),
        ("MARITAL STATUS:", "● Married", True),
        ("MARITAL STATUS:", "○ Divorced", False),
        ("MARITAL STATUS:", "○ Widowed", False),
    ]


def test_an_option_with_a_value_of_its_own_stays_a_key():
    form = page(
        [line("Type", 20, 100), line("□ A", 200, 100), line("☑ Other:", 300, 100), line("B", 420, 100)]
    )
    entities = [
        ("QUESTION", (0, 0, 4)),
        ("ANSWER", (1, 0, 3)),
        ("QUESTION", (2, 0, 8)),
        ("ANSWER", (3, 0, 1)),
    ]
    found = with_choices(result(form, entities, [(0, 1, 0.8), (2, 3, 0.9)]))
    assert ("☑ Other:", "B", None) in rows(found)
    assert found.entities[2].selected is True


def test_options_without_a_link_go_with_the_key_before_them_in_doubt():
    form = page([line("Sex", 20, 100), line("□ M", 200, 100), line("☑ F", 300, 100)])
    found = with_choices(
        result(form, [("QUESTION", (0, 0, 3)), ("ANSWER", (1, 0, 3)), ("ANSWER", (2, 0, 3))])
    )
    assert rows(found) == [("Sex", "□ M", False), ("Sex", "☑ F", True)]
    assert all(relation.confidence <= 0.5 for relation in found.relations)


def test_a_mark_that_is_not_in_the_text_counts_as_well():
    form = page([line("Member", 20, 100), line("Yes", 230, 100)], [mark(206, 102, MarkState.CROSSED)])
    form = replace(form, text_source="given")
    found = with_choices(result(form, [("QUESTION", (0, 0, 6)), ("ANSWER", (1, 0, 3))], [(0, 1, 0.9)]))
    assert rows(found) == [("Member", "Yes", True)]


@pytest.mark.parametrize("labels", [(), ("V",)])
def test_models_with_other_labels_and_values_without_keys(labels):
    form = page([line("□a ☑b", 100, 100)])
    found = with_choices(result(form, [("V", (0, 0, 5))], keyless=(0,)), ("K",), labels)
    assert [entity.selected for entity in found.entities] == [False, True]
    assert found.keyless == (0, 1)


def test_a_page_without_marks_stays_as_it_is():
    form = page([line("Name", 20, 100), line("Ann", 200, 100)])
    before = result(form, [("QUESTION", (0, 0, 4)), ("ANSWER", (1, 0, 3))], [(0, 1, 0.9)])
    assert with_choices(before) is before
