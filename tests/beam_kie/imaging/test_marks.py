import pickle

import numpy as np
import pytest

from beam_kie.document import PageText
from beam_kie.forms.ruled import ruled_form
from beam_kie.imaging.marks import find_marks, with_ruling
from beam_kie.imaging.ruling import find_ink
from beam_kie.page_parts import MarkState
from tests.boxes import overlap
from transforms.stages.children.messages import PageRead, pack, unpack_reply

SURE = 0.7


def test_boxes_and_rings_are_found_with_their_states():
    found = states = expected = false = 0
    for seed in range(12):
        form = ruled_form(seed)
        marks = find_marks(find_ink(form.pixels))
        expected += len(form.marks)
        for mark in form.marks:
            same = [m for m in marks if overlap(m.box, mark.box) > 0.5 and m.is_ring == mark.is_ring]
            found += bool(same)
            states += bool(same) and same[0].state == mark.state
        false += sum(
            mark.confidence >= SURE and all(overlap(mark.box, other.box) < 0.5 for other in form.marks)
            for mark in marks
        )
    assert found >= 0.93 * expected
    assert states >= 0.9 * expected
    # The character 口 at the start of a word, mostly.
    assert false <= 0.1 * expected


@pytest.mark.parametrize("state", list(MarkState))
def test_a_single_box(state):
    page = np.full((300, 300, 3), 255, np.uint8)
    page[100:124, 100:124] = 0
    page[102:122, 102:122] = 255
    for step in range(14):
        if state in (MarkState.CROSSED, MarkState.TICKED):
            page[105 + step : 108 + step, 105 + step : 108 + step] = (
                0 if step > 6 or state == "CROSSED" else 255
            )
            page[118 - step : 121 - step, 105 + step : 108 + step] = 0
    if state is MarkState.FILLED:
        page[104:120, 104:120] = 0
    (mark,) = find_marks(find_ink(page))
    assert (mark.state, mark.is_ring) == (state, False)
    assert overlap(mark.box, (100, 100, 124, 124)) > 0.8


def test_they_belong_to_the_upright_page_and_travel_with_it():
    form = ruled_form(1)
    upright = with_ruling(PageText("id", "a.png", 1, 1240, 1754), form.pixels)
    turned = with_ruling(PageText("id", "a.png", 1, 1240, 1754, 90), np.rot90(form.pixels))
    assert upright.cells and upright.marks
    assert (turned.cells, turned.marks) == (upright.cells, upright.marks)
    reply = unpack_reply(pack(PageRead(upright)))
    assert isinstance(reply, PageRead) and reply.outcome == upright
    assert pickle.loads(pickle.dumps(upright)) == upright


def test_letters_are_no_marks():
    form = ruled_form(3)
    text = form.pixels[:1100]
    assert [mark for mark in find_marks(find_ink(text)) if mark.confidence >= SURE] == []
