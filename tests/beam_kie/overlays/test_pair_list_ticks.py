from dataclasses import replace

from PIL import Image, ImageDraw

from beam_kie.overlays import drawing
from beam_kie.overlays.pair_list import NumberedPair, draw_pair_list
from beam_kie.tables.key_values import key_values
from tests import pages


def test_a_tick_that_is_not_in_the_text_is_written_before_it(monkeypatch):
    form = [("QUESTION", "key", (0, 0, 9, 9)), ("ANSWER", "value", (0, 0, 9, 9))]
    (pair,) = key_values(pages.result(form=form, links=[(0, 1, 0.9)]))
    assert pair.value is not None
    ticked = replace(pair, value=replace(pair.value, selected=True, selected_confidence=0.9))
    written = replace(pair, value=replace(pair.value, text="□ other", selected=False))
    filled = replace(pair, value=replace(pair.value, text="● third", selected=True))
    texts = []
    monkeypatch.setattr(drawing, "draw_text", lambda draw, place, text, *others, **more: texts.append(text))
    image = Image.new("RGB", (400, 300), "white")
    pairs = [NumberedPair(1, ticked), NumberedPair(2, written), NumberedPair(3, filled)]
    draw_pair_list(ImageDraw.Draw(image), (0, 0, 400, 300), pairs, "zh")
    assert "[√] value" in texts and "□ other" in texts and "● third" in texts
