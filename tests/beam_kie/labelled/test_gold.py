from dataclasses import replace

from beam_kie.document import LineSpan, RuledCell
from beam_kie.evaluation import gold_pages
from beam_kie.labelled.formats import LabelledPage
from beam_kie.labelled.readings import ReadPage
from beam_kie.labelled.sources import with_read_lines, with_readings
from tests.labelled_forms import FORM, LABELS, PAIRS, entry


def test_gold_is_the_labelled_lines_in_reading_order():
    (gold,) = gold_pages([FORM])

    texts = [line.text for line in gold.page.lines]
    assert texts == ["Registration", "Name:", "Lee Green", "Hobbies:", "Chess", "Rowing", "page one"]
    assert {entity.text: entity.label for entity in gold.entities} == LABELS
    assert [entity.spans for entity in gold.entities][:2] == [(LineSpan(0, 0, 12),), (LineSpan(1, 0, 5),)]
    assert (gold.page.width_px, gold.page.height_px) == (900, 500)
    assert gold.page.whole_lines


def test_lines_that_were_read_are_not_known_to_be_entities():
    (gold,) = gold_pages([FORM])
    (read,) = with_read_lines([gold], {gold.name: gold.page.lines[:3]})
    assert (len(read.page.lines), read.page.whole_lines) == (3, False)
    assert with_read_lines([gold], {}) == []


def test_all_that_is_known_of_a_page_that_was_read_is_kept():
    (gold,) = gold_pages([FORM])
    cell = RuledCell((0.0, 0.0, 10.0, 10.0), 0.9)
    known = replace(gold.page, lines=gold.page.lines[:3], cells=(cell,), skew_deg=1.0)
    (read,) = with_readings([gold], {gold.name: ReadPage(known, ruling_known=True)})
    assert (read.page.lines, read.page.cells, read.page.skew_deg) == (known.lines, (cell,), 1.0)
    assert not read.page.whole_lines
    assert with_readings([gold], {}) == []


def test_gold_pairs_go_from_key_to_value_and_other_links_are_dropped():
    (gold,) = gold_pages([FORM])

    assert set(gold.text_pairs) == PAIRS
    assert len(gold.pairs) == 3
    assert gold.entries_without_text == 1


def test_a_model_may_pair_other_labels():
    entries = (
        entry(1, "Total", "MENU.NM", 40, 100, [(1, 2)]),
        entry(2, "7.50", "MENU.PRICE", 320, 100),
        entry(3, "Tea", "QUESTION", 40, 200, [(3, 2)]),
    )

    (gold,) = gold_pages([LabelledPage("bill.png", 900, 500, entries)], ["MENU.NM"], ["MENU.PRICE"])

    assert gold.text_pairs == [("Total", "7.50")]


def test_pages_of_one_file_are_numbered():
    assert [gold.page.page for gold in gold_pages([FORM, FORM])] == [1, 2]
