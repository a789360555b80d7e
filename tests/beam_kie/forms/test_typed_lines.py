import itertools
import random

import pytest

from beam_kie.forms.content import Content, Field
from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.model import ANSWER, HEADER, OTHER, QUESTION, Stroke
from beam_kie.forms.typed_lines import Manner, check_columns, key_lines, remark, typed_heading
from beam_kie.forms.written import Written
from tests.beam_kie.forms.typed_sheets import PITCH, finished, sheet_of


@pytest.fixture
def content():
    return Content("en", random.Random(3))


def tops(layout, label):
    return [round(piece.polygon[1], 1) for e in layout.entries if e.label == label for piece in e.pieces]


def test_single_spaced_fields_follow_one_another_as_lines_of_a_text_do(content):
    sheet = sheet_of()
    fields = [Field("made", f"Field {n}", [f"value {n}"]) for n in range(6)]
    assert key_lines(sheet, content, fields, 20, 480, Manner(PITCH)) == 6
    layout = finished(sheet)
    steps = [b - a for a, b in itertools.pairwise(tops(layout, QUESTION))]
    assert steps == pytest.approx([PITCH] * 5)
    assert [len(e.linking) for e in layout.entries] == [1] * 12
    starts = {round(e.polygon[0]) for e in layout.entries if e.label == ANSWER}
    assert len(starts) == 1


def test_several_values_stand_below_one_another_and_given_lines_are_one_value(content):
    sheet = sheet_of(1)
    fields = [
        Field("names", "TO", ["A. Reed", "B. Cole", "C. Dunn"]),
        Field("names", "FROM", ["D. Hart\nPlant Manager\nDover"]),
    ]
    assert key_lines(sheet, content, fields, 20, 480, Manner(PITCH)) == 2
    layout = finished(sheet)
    to, sender = (entry for entry in layout.entries if entry.label == QUESTION)
    assert len(to.linking) == 3 and len(sender.linking) == 1
    (value,) = (layout.entries[end] for _, end in sender.linking)
    assert value.text == "D. Hart Plant Manager Dover" and len(value.pieces) == 3
    assert sender.polygon[1] - to.polygon[1] >= 1 * PITCH


def test_fields_that_do_not_fit_are_left_out(content):
    sheet = sheet_of(height=100)
    fields = [Field("made", f"Field {n}", ["x"]) for n in range(20)]
    done = key_lines(sheet, content, fields, 20, 480, Manner(PITCH))
    assert 0 < done < 6
    assert tops(finished(sheet), QUESTION)[-1] < 80


def test_values_may_end_at_one_place_and_have_rules_below_them(content):
    sheet = sheet_of()
    fields = [Field("money", "Cost", ["9.00"]), Field("money", "Total", ["12,409.00"])]
    assert key_lines(sheet, content, fields, 20, 480, Manner(PITCH, leader="rule", right=True)) == 2
    layout = finished(sheet)
    assert {round(e.polygon[2]) for e in layout.entries if e.label == ANSWER} == {480}
    assert sum(isinstance(shape, Stroke) for shape in layout.shapes) == 2


def test_what_is_told_goes_on_below_its_key():
    text = "The carton was found open on arrival and two of the samples had to be replaced. " * 4
    for seed in range(6):
        sheet = sheet_of(seed)
        assert remark(sheet, "Comments", [text.strip(), "None."], 20, 480, PITCH)
        layout = finished(sheet)
        (key,) = (e for e in layout.entries if e.label == QUESTION)
        values = [e for e in layout.entries if e.label == ANSWER]
        assert [e.text for e in values] == [text.strip(), "None."]
        assert len(key.linking) == 2 and len(values[0].pieces) > 2
        assert values[0].polygon[1] >= key.polygon[1]
    assert not remark(sheet_of(height=80), "Comments", [text], 20, 480, PITCH)


@pytest.mark.parametrize("labels", ["funsd", "xfund"])
def test_an_x_is_the_value_of_its_item_or_part_of_it(labels):
    marked = 0
    for seed in range(8):
        sheet = sheet_of(seed, labels)
        items = [f"Item {letter}" for letter in "ABCDEFGH"]
        assert check_columns(sheet, "Sent to", items, 20, 480, Manner(PITCH))
        layout = finished(sheet)
        by_label = {
            label: [e for e in layout.entries if e.label == label] for label in (QUESTION, ANSWER, HEADER)
        }
        if labels == "funsd":
            assert len(by_label[HEADER]) == 1 and len(by_label[QUESTION]) == 8
            marks = by_label[ANSWER]
            marked += len(marks)
            assert {e.text.lower() for e in marks} <= {"x", "xx"}
        else:
            (key,) = by_label[QUESTION]
            assert len(key.linking) == len(by_label[ANSWER]) == 8
            assert all(item in e.text for item, e in zip(items, by_label[ANSWER], strict=True))
    assert marked or labels == "xfund"


def test_items_wider_than_their_place_are_refused():
    sheet = sheet_of()
    before = sheet.mark()
    assert not check_columns(sheet, "Sent to", ["wide " * 40], 20, 200, Manner(PITCH))
    assert sheet.mark() == before


def test_headings_and_paragraphs_only_where_they_fit():
    sheet = sheet_of(height=70)
    assert typed_heading(sheet, "Results", 20, 480, PITCH)
    page = Written(sheet, DomainContent.load("en", "survey", random.Random(3), None), "survey")
    assert page.say("Nothing else was found.", 0.0, pitch=PITCH) or sheet.y + PITCH > sheet.bottom
    assert not page.say("Nothing else was found. " * 60, 0.0, pitch=PITCH)
    labels = {entry.label for entry in finished(sheet).entries}
    assert HEADER in labels and labels <= {HEADER, OTHER}
