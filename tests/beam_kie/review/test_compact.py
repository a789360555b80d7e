import pytest

from beam_kie.document import TextLine
from beam_kie.geometry import box_polygon
from beam_kie.page_parts import FieldKind, FormField
from beam_kie.review.compact import Labels, compact_page, thousandths
from beam_kie.review.pages import PageRows
from beam_kie.tables.rows import page_tables
from tests import pages

ALONE = TextLine("Nothing but a line", (10, 10, 300, 12, 299, 40, 9, 38), 0.5)


def compact(labels=None, **changes):
    tables = page_tables(pages.result(**changes), pages.PROVENANCE)
    return compact_page(PageRows("d", 1, tables), labels or Labels())


def test_lines_that_are_no_entity_can_be_searched_for_and_drawn_around():
    lines = (*(TextLine(text, box_polygon(box), 0.9) for _, text, box in pages.FORM), ALONE)
    page = compact(lines=lines)
    assert page.details[6] == [["Nothing but a line", 500, [10, 10, 300, 12, 299, 40, 9, 38]]]
    assert page.texts[-3:] == ["", "Nothing but a line", 500]
    assert compact().details[6] == []


def test_texts_are_pairs_first_and_then_what_is_in_no_pair():
    texts = compact().texts
    assert texts[0:3] == ["姓名:", "李雷", thousandths(0.9 * 0.9 * 0.9)]
    assert texts[9:] == ["備考", "", 900, "", "登録票 Registration", 900]


def test_values_that_only_fields_of_a_form_give_are_found_and_counted():
    remark = FormField("r", "備考", FieldKind.TEXT, box_polygon((260, 500, 420, 540)), "none")
    number = FormField("n", "Tax number:", FieldKind.TEXT, box_polygon((260, 600, 420, 640)), "12/345")
    page, plain = compact(fields=(remark, number)), compact()
    assert page.details[7] == [[7, "備考", "none", 900], [-1, "Tax number:", "12/345", 900]]
    assert page.texts[9:] == [
        *("備考", "none", 900, "Tax number:", "12/345", 900),
        *("", "登録票 Registration", 900),
    ]
    assert page.keys == [*plain.keys, "Tax number"]
    assert (page.pair_count, page.key_without_value_count) == (plain.pair_count + 2, 0)
    assert page.expected_wrong == pytest.approx(plain.expected_wrong + 0.2)


def test_keys_are_offered_without_what_ends_them():
    assert compact().keys == ["姓名", "Date of birth", "Gebühr", "備考"]
    assert compact(form=[("QUESTION", "long " * 30, (1, 1, 9, 9))], links=[]).keys == [""]


def test_doubt_is_how_many_pairs_are_expected_to_be_wrong():
    page = compact()
    assert page.expected_wrong == pytest.approx(sum(1 - 0.81 * link for *_, link in pages.LINKS), abs=1e-3)
    assert compact(form=[], links=[]).expected_wrong == 0
    assert compact(form=[], links=[]).mean_confidence is None


def test_labels_of_ones_own_are_numbered_behind_the_usual_ones():
    labels = Labels()
    form = [("SHIPPER_KEY", "From", (1, 1, 9, 9)), ("SHIPPER", "A", (11, 1, 19, 9))]
    compact(labels, form=form, links=[(0, 1, 0.5)])
    assert labels.names == ["QUESTION", "ANSWER", "HEADER", "SHIPPER_KEY", "SHIPPER"]
    assert (labels.keys, labels.values) == ({"SHIPPER_KEY"}, {"SHIPPER"})
