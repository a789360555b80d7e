from dataclasses import replace

import numpy as np
import pytest

from beam_kie.forms import (
    KINDS,
    LANGUAGES,
    Look,
    fonts,
    generate_domain_layout,
    generate_form,
    generate_layout,
    render,
)
from beam_kie.forms.model import Layout, Run, Stamp


def darkness(image, polygon):
    x0, y0, x1, y1 = (round(value) for value in (*polygon[0:2], *polygon[4:6]))
    return (np.asarray(image.convert("L"))[y0:y1, x0:x1] < 170).mean()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_is_drawn_where_its_label_is(language, kind):
    form = generate_form(language, 2, kind, dpi=90)
    assert form.image.mode == "RGB"
    assert form.image.size == (form.layout.width_px, form.layout.height_px)
    drawn = [darkness(form.image, piece.polygon) for entry in form.entries for piece in entry.pieces]
    # A stamp's ink may be too pale to count.
    assert sum(dark > 0.02 for dark in drawn) >= len(drawn) - 1


def test_ink_outside_of_labels_is_only_lines_shapes_and_stamps():
    layout = generate_layout("de", 3, "questionnaire", dpi=100)
    blank = render(layout.__class__(**{**fields(layout), "shapes": ()}))
    ink = np.asarray(blank.convert("L")) < 200
    allowed = np.zeros_like(ink)
    for entry in layout.entries:
        for piece in entry.pieces:
            x0, y0, x1, y1 = (*piece.polygon[0:2], *piece.polygon[4:6])
            allowed[int(y0) - 2 : int(y1) + 3, int(x0) - 2 : int(x1) + 3] = True
    assert ink.sum() > 1000
    assert (ink & ~allowed).sum() < 0.01 * ink.sum()


def fields(layout):
    return {name: getattr(layout, name) for name in layout.__slots__}


def test_spread_text_reaches_as_far_as_its_metrics_say():
    run = Run("姓名号", 20, 60, 30, "noto-sc", (0, 0, 0), tracking=40)
    layout = Layout("zh", "job", 0, 300, 100, 72, (), (run,))
    columns = np.flatnonzero((np.asarray(render(layout).convert("L")) < 128).any(axis=0))
    assert columns[0] == pytest.approx(20, abs=4)
    assert columns[-1] == pytest.approx(20 + fonts.width(run.text, run.face, run.size, run.tracking), abs=4)


def test_stamps_are_coloured():
    layouts = (generate_layout("zh", seed, "application", dpi=80) for seed in range(40))
    layout, stamp = next(
        (layout, shape) for layout in layouts for shape in layout.shapes if isinstance(shape, Stamp)
    )
    pixels = np.asarray(render(layout)).astype(int)
    x, y, r = int(stamp.x), int(stamp.y), int(max(stamp.width, stamp.height) / 2)
    patch = pixels[max(0, y - r) : y + r, max(0, x - r) : x + r]
    assert (patch.max(axis=2) - patch.min(axis=2) > 60).sum() > 30


@pytest.mark.parametrize("look", list(Look))
def test_the_boxes_of_the_labels_hold_the_ink_that_is_drawn(look):
    for language, seed in (("de", 1), ("zh", 2), ("en", 4), ("ja", 7)):
        layout = generate_domain_layout(language, seed, "receipts", look=look, dpi=100, noto_only=True)
        stamped = {shape.text for shape in layout.shapes if isinstance(shape, Stamp)}
        ink = np.asarray(render(replace(layout, shapes=())).convert("L")) < 150
        inside = np.zeros_like(ink)
        for piece in (piece for entry in layout.entries for piece in entry.pieces):
            x0, y0, x1, y1 = (*piece.polygon[:2], *piece.polygon[4:6])
            pad = 1 + 0.12 * (y1 - y0)
            box = slice(int(y0 - pad), int(y1 + pad) + 1), slice(int(max(0, x0 - pad)), int(x1 + pad) + 1)
            assert ink[box].any() or piece.text in stamped, (layout, piece.text)
            inside[box] = True
        assert (ink & ~inside).sum() < 0.002 * ink.sum(), layout


def test_a_hand_leaves_the_line_but_not_the_place_of_the_text():
    run = Run("Anna Lorem 12.03.", 30.0, 60.0, 30.0, "noto-sc", (20, 30, 90))
    boxes = []
    for wobble in (0.0, 0.05):
        layout = Layout("en", "made", 0, 400, 100, 72, (), (run._replace(wobble=wobble),))
        ink = np.argwhere(np.asarray(render(layout).convert("L")) < 150)
        boxes.append((*ink.min(axis=0), *ink.max(axis=0)))
    assert boxes[0] != boxes[1]
    assert np.abs(np.subtract(*boxes)).max() <= 4
