import numpy as np
from PIL import Image, ImageDraw

from beam_kie.overlays.pair_list import NumberedPair, _fit, draw_pair_list
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


def rows_shown(pairs, width=400):
    style, stacks, missing = _fit(pairs, 1, width, HEIGHT, "zh")
    return style.size, sum(map(len, stacks)), missing


def test_few_pairs_are_written_large_and_many_small():
    large, small = rows_shown(pairs_of(5)), rows_shown(pairs_of(40))
    assert large[1:] == (5, 0) and small[1:] == (40, 0)
    assert large[0] > small[0] >= 11


def test_pairs_that_find_no_room_are_counted():
    _, shown, missing = rows_shown(pairs_of(500))
    assert shown + missing == 500
    assert missing > 400


def test_long_text_takes_more_lines_only_where_all_pairs_fit():
    long = "a long value that needs several lines of the list to be read"
    _, (few,), _ = _fit(pairs_of(4, long), 1, 400, HEIGHT, "zh")
    _, (many,), _ = _fit(pairs_of(40, long), 1, 400, HEIGHT, "zh")
    assert few[0].lines == 3
    assert many[0].lines == 1
    assert many[0].value[0].endswith("…")


def test_values_of_one_key_stand_under_it():
    form = [("QUESTION", "key", (0, 0, 9, 9)), *[("ANSWER", f"v{n}", (0, 0, 9, 9)) for n in range(3)]]
    found = key_values(pages.result(form=form, links=[(0, n, 0.9) for n in (1, 2, 3)]))
    _, (rows,), _ = _fit([NumberedPair(1, pair) for pair in found], 1, 400, HEIGHT, "zh")
    assert [(row.number, row.key, row.value) for row in rows] == [
        (1, ["key"], ["v0"]),
        (None, [], ["v1"]),
        (None, [], ["v2"]),
    ]


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
