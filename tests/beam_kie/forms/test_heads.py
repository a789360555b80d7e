import random
from dataclasses import replace

import pytest

from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.heads import contact, senders, title_block
from beam_kie.forms.model import HEADER, OTHER
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme


def sheet_of(language):
    rng = random.Random(1)
    content = DomainContent.load(language, "tax", rng)
    theme = replace(make_theme(rng, content.words, "xfund", noto_only=True), upper_heads=False)
    return Sheet(595.0, 842.0, theme, rng, margin=50), content


@pytest.mark.parametrize("draw", [senders, contact])
def test_senders_and_where_they_are_stand_above_what_follows(draw):
    sheet, content = sheet_of("de")
    draw(sheet, content)
    layout = sheet.finish("de", "made", 0, 72)
    assert layout.entries and {entry.label for entry in layout.entries} == {OTHER}
    assert max(entry.polygon[5] for entry in layout.entries) <= sheet.y
    assert max(entry.polygon[2] for entry in layout.entries) <= 545 + 2


def test_company_department_and_title_are_one_header():
    sheet, _ = sheet_of("en")
    title_block(sheet, ["Hollis Supplies Inc.", "Accounts", "Order"], "centre")
    (header,) = sheet.finish("en", "made", 0, 72).entries
    assert header.label == HEADER and header.text == "Hollis Supplies Inc. Accounts Order"
    assert len(header.pieces) == 3 and header.polygon[5] <= sheet.y
