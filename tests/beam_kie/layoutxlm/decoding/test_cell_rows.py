"""Ruled cells that decide what a title is, and which key a value has."""

import numpy as np
import pytest

from beam_kie.document import LineSpan, PageText, Relation, RuledCell, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.cell_rows import labels_by_cells, links_by_cells
from beam_kie.layoutxlm.decoding.entities import DecodedEntity, entity_from_spans
from beam_kie.layoutxlm.model import KieModel
from model_store.references import bundled

CONFIG = LayoutXLMConfig()
ROWS = (
    ("Delivery address", "Hanna Berger", "Lindenweg 12", "99084 Erfurt"),
    ("Phone", "0361 555 0117", "0361 555 0118"),
    ("Remarks", "Please ring twice", "and leave the parcel"),
)


def table(rows=ROWS, ruled=True):
    """A page of rows with a key on the left and the lines of its value on the right, each in a cell."""
    lines, cells, top = [], [], 40
    for key, *values in rows:
        lines.append(TextLine(key, box_polygon((57, top + 20, 57 + 13 * len(key), top + 48))))
        for place, value in enumerate(values):
            y = top + 20 + 36 * place
            lines.append(TextLine(value, box_polygon((438, y, 438 + 14 * len(value), y + 28))))
        bottom = top + 36 * len(values) + 30
        cells += [RuledCell((42, top, 419, bottom), 0.9), RuledCell((422, top, 959, bottom), 0.9)]
        top = bottom + 3
    return PageText("d", "u", 1, 1000, 500, lines=tuple(lines), cells=tuple(cells) if ruled else ())


def labelled(page, labels, value=0.05):
    """Its lines with these labels (Q, A, H), one token each, and scores that leave values some likelihood."""
    names = {"Q": "QUESTION", "A": "ANSWER", "H": "HEADER"}
    found = [
        DecodedEntity(
            entity_from_spans(page, names[label], (LineSpan(line, 0, len(page.lines[line].text)),), 0.9),
            np.array([line]),
        )
        for line, label in enumerate(labels)
    ]
    scores = np.log(np.full((len(labels), len(CONFIG.tags)), value))
    return found, scores


def labels_of(page, labels, value=0.08):
    found, scores = labelled(page, labels, value)
    return "".join(item.entity.label[0] for item in labels_by_cells(CONFIG, page, scores, found))


def test_a_title_in_a_column_of_keys_beside_values_is_a_key():
    assert labels_of(table(), "HAAAQAAQAA") == "QAAAQAAQAA"


@pytest.mark.parametrize(
    "labels",
    [
        "HAAAHAAQAA",  # one other key: no column of keys
        "HQAAQAAQAA",  # a key is beside it
        "HHHHQAAQAA",  # no value is beside it
    ],
)
def test_a_title_stays_one_where_the_cells_leave_doubt(labels):
    assert labels_of(table(), labels)[0] == "H"


def test_a_title_among_values_is_one_if_it_may_be():
    assert labels_of(table(), "QHAAQAAQAA") == "QAAAQAAQAA"
    assert labels_of(table(), "QHAAQAAQAA", value=0.01) == "QHAAQAAQAA"
    assert labels_of(table(), "QHAHQAAQAA") == "QHAHQAAQAA", "one value does not say what a cell holds"


def test_without_ruled_cells_nothing_changes():
    page = table(ruled=False)
    assert labels_of(page, "HAAAQAAQAA") == "HAAAQAAQAA"
    found, _ = labelled(page, "QAAAQAAQAA")
    assert links_by_cells(CONFIG, page, found, [Relation(0, 1, 0.9)]) == (Relation(0, 1, 0.9),)


def links_of(labels, links):
    page = table()
    found, _ = labelled(page, labels)
    made = links_by_cells(CONFIG, page, found, [Relation(key, value, 0.9) for key, value in links])
    return [(link.head, link.tail) for link in made]


def test_values_of_a_cell_have_the_key_of_the_others():
    assert links_of("QAAAQAAQAA", [(4, 5), (0, 2)])[:3] == [(0, 1), (0, 2), (0, 3)]


def test_values_of_a_cell_with_two_keys_keep_what_they_have():
    assert links_of("QAAAQAAQAA", [(0, 1), (4, 2)])[:2] == [(0, 1), (4, 2)]
    assert (0, 3) not in links_of("QAAAQAAQAA", [(0, 1), (4, 2)])
    assert links_of("QAAAQAAQAA", []) == []


@pytest.mark.parametrize("surer", [0, 4])
def test_values_of_a_cell_have_the_surer_key_of_one_with_two(surer):
    page = table()
    found, _ = labelled(page, "QAAAQAAQAA")
    links = [Relation(key, 1, 0.9 if key == surer else 0.6) for key in (0, 4)]
    made = {(link.head, link.tail) for link in links_by_cells(CONFIG, page, found, links)}
    assert made == {(0, 1), (4, 1), (surer, 2), (surer, 3)}


@pytest.mark.skipif("bundled" not in bundled(), reason="the bundled model is not installed")
def test_keys_of_a_ruled_table_have_all_lines_of_their_values():
    """The first key was taken for the title of a section, and its values had none."""
    model = KieModel.load(bundled()["bundled"], device="cpu")
    (result,) = model.predict([table()])
    found = {(result.entities[r.head].text, result.entities[r.tail].text) for r in result.relations}
    assert found == {(key, value) for key, *values in ROWS for value in values}
