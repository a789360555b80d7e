import re
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageDraw

from beam_kie.overlays import drawing
from beam_kie.overlays.pair_list import NumberedPair, draw_pair_list
from beam_kie.tables.key_values import key_values
from tests import pages

HEIGHT = 900


def pairs_of(count, text="value"):
    form, links = [], []
    for index in range(count):
        form += [("QUESTION", f"key {index}", (0, 0, 9, 9)), ("ANSWER", f"{text} {index}", (0, 0, 9, 9))]
        links.append((2 * index, 2 * index + 1, 0.9))
    found = key_values(pages.result(form=form, links=links))
    return [NumberedPair(number, pair) for number, pair in enumerate(found, 1)]


class Drawn(NamedTuple):
    text: str
    x: float
    y: float
    size: int
    anchor: str


@pytest.fixture
def drawn(monkeypatch):
    """Draws a list of pairs, in one column, and says which texts stand where in which size."""
    original = drawing.draw_text

    def texts_of(pairs, width=400):
        found = []

        def noticing(draw, place, text, font, colour, anchor="la"):
            found.append(Drawn(text, *place, font.size, anchor))
            original(draw, place, text, font, colour, anchor)

        monkeypatch.setattr(drawing, "draw_text", noticing)
        image = Image.new("RGB", (width, HEIGHT), "white")
        draw_pair_list(ImageDraw.Draw(image), (0, 0, width, HEIGHT), pairs, "zh")
        return found

    return texts_of


def values(texts):
    return [each for each in texts if each.text.startswith("value ")]


def test_few_pairs_are_written_large_and_many_small(drawn):
    few, many = values(drawn(pairs_of(5))), values(drawn(pairs_of(40)))
    assert [each.text for each in many] == [f"value {number}" for number in range(40)]
    assert len(few) == 5
    assert few[0].size > many[0].size >= 11


def test_pairs_that_find_no_room_are_counted(drawn):
    texts = drawn(pairs_of(500))
    (note,) = [each for each in texts if each.anchor == "rd"]
    (missing,) = map(int, re.findall(r"\d+", note.text))
    assert len(values(texts)) + missing == 500
    assert missing > 400
    assert max(each.y for each in values(texts)) < note.y - note.size


def test_long_text_takes_more_lines_only_where_all_pairs_fit(drawn):
    long = "value that needs several lines of the list to be read"
    (column,) = {each.x for each in values(drawn(pairs_of(4, long)))}
    few = [each.text for each in drawn(pairs_of(4, long)) if each.x == column and each.text != "value"]
    assert len(few) == 12
    assert " ".join(few[:3]) == f"{long} 0"
    many = [each for each in values(drawn(pairs_of(40, long)))]
    assert len(many) == 40
    assert all(each.text.endswith("…") for each in many)


def test_values_of_one_key_stand_under_it(drawn):
    form = [("QUESTION", "Name", (0, 0, 9, 9)), *[("ANSWER", f"v{n}", (0, 0, 9, 9)) for n in range(3)]]
    found = key_values(pages.result(form=form, links=[(0, n, 0.9) for n in (1, 2, 3)]))
    texts = drawn([NumberedPair(1, pair) for pair in found])
    (key,) = [each for each in texts if each.text == "Name"]
    under = [each for each in texts if each.text in ("v0", "v1", "v2")]
    assert [each.text for each in under] == ["v0", "v1", "v2"]
    assert len({each.x for each in under}) == 1
    assert key.y == under[0].y < under[1].y < under[2].y
    assert [each.text for each in texts].count("1") == 1


def ink(pairs, width):
    """Which columns of pixels of a list ``width`` wide hold anything."""
    image = Image.new("RGB", (width + 40, 300), "white")
    draw_pair_list(ImageDraw.Draw(image), (20, 10, width + 20, 290), pairs, "zh")
    return (np.asarray(image) < 255).any(axis=(0, 2))


def test_list_keeps_within_its_area():
    for count in (1, 30, 300):
        columns = ink(pairs_of(count, "一个很长的值" * 20), 400)
        assert not columns[:20].any() and not columns[421:].any()
        assert columns[20:420].any()


def test_wide_list_has_columns():
    assert ink(pairs_of(30), 1600)[900:].any()
    assert not ink(pairs_of(3), 1600)[900:].any()
