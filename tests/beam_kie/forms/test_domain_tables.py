import random

import pytest

from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.domain_tables import compact, draw_panels, matrix_of, panels_of, report_of, table_of
from beam_kie.forms.model import ANSWER, QUESTION
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme


def content_of(name="laboratory", seed=1, labels="xfund"):
    rng = random.Random(seed)
    content = DomainContent.load("en", name, rng)
    return content, make_theme(rng, content.words, labels, noto_only=True)


def test_a_table_has_the_rows_asked_for():
    content, _ = content_of()
    group = content.domain.tables[0]
    table = table_of(content, group, 20, 2, 0.0, 4)
    assert len(table.rows) == 22 and len(table.heads) <= 4
    assert all(all(row) for row in table.rows[:20]) and not any(any(row[1:]) for row in table.rows[20:])
    known = {word for key in group.keys for word in key.wordings}
    assert set(table.heads) <= known


@pytest.mark.parametrize("seed", range(6))
def test_a_report_has_numbers_under_every_head(seed):
    content, theme = content_of(seed=seed)
    matrix = report_of(content, theme)
    if matrix is None:
        return
    assert len(matrix.cells) == len(matrix.rows) >= 4
    assert {len(row) for row in matrix.cells} == {len(matrix.columns)}
    assert all(any(char.isdigit() for char in cell) for row in matrix.cells for cell in row if cell)
    assert matrix.links in ("column", "row")


def test_values_have_keys_on_two_sides_in_the_style_of_funsd_alone():
    for labels, wanted in (("funsd", {"both"}), ("xfund", {"row", "column"})):
        found = set()
        for seed in range(12):
            content, theme = content_of(seed=seed, labels=labels)
            made = [report_of(content, theme), *(matrix_of(content, theme, g) for g in content.domain.tables)]
            found |= {matrix.links for matrix in made if matrix is not None}
        assert found == wanted


def test_panels_stand_side_by_side_and_every_option_is_a_value():
    for seed in range(6):
        content, theme = content_of("survey", seed)
        tables = panels_of(content, content.domain.tables[0])
        sheet = Sheet(600.0, 900.0, theme, content.rng, margin=20)
        assert draw_panels(sheet, tables) and sheet.theme is theme
        layout = sheet.finish("en", "made", 0, 72)
        heads = [entry for entry in layout.entries if entry.text == tables[0].heads[0]]
        assert len(heads) == len(tables) == len({entry.polygon[0] for entry in heads})
        assert len({entry.polygon[1] for entry in heads}) == 1
        cells = [
            part
            for table in tables
            for row in table.rows
            for cell in row
            if cell
            for part in cell.split("\n")
        ]
        texts = [entry.text for entry in layout.entries if entry.label == ANSWER]
        assert len(texts) <= len(cells) and set(texts) <= set(cells)
        assert all(entry.linking for entry in layout.entries if entry.label in (ANSWER, QUESTION))


def test_panels_that_do_not_fit_are_left_out():
    content, theme = content_of("survey")
    sheet = Sheet(600.0, 70.0, theme, content.rng, margin=20)
    assert not draw_panels(sheet, panels_of(content, content.domain.tables[0]))
    assert not sheet.entries


def test_a_long_table_is_set_small():
    _, theme = content_of()
    assert compact(theme).value.size <= 8.4 and compact(theme).pitch <= 1.6
