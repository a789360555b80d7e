"""Words of labelled pages at their boxes."""

import itertools

import numpy as np
import pytest

from beam_kie.forms import fonts
from beam_kie.forms.render import render
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, Word
from beam_kie.training.rendering.typesetting import draw, face_with, lay_out

SYMBOLS = "☑□☒○⊙√■•≥℃▣→›„“€º名"


def entry(number, text, label, box, words=()):
    return LabelledEntry(number, text, label, box_polygon(box), words=tuple(words))


def page_of(*entries, size=(1240, 1754)):
    return LabelledPage("page.png", *size, tuple(entries))


ADDRESS = entry(
    1,
    "Bahnhofstraße 19 55232 Alzey",
    "OTHER",
    (100, 200, 400, 260),
    [
        Word("Bahnhofstraße", (100, 200, 320, 228)),
        Word("19", (328, 200, 360, 228)),
        Word("55232", (100, 232, 190, 260)),
        Word("Alzey", (198, 232, 290, 260)),
    ],
)


def grey(image):
    return np.asarray(image.convert("L"))


def test_words_are_drawn_in_their_boxes_and_nowhere_else():
    ink = grey(render(lay_out(page_of(ADDRESS)))) < 110
    for word in ADDRESS.words:
        x0, y0, x1, y1 = map(int, word.box)
        assert ink[y0:y1, x0:x1].mean() > 0.02
        ink[y0 - 2 : y1 + 2, x0 - 3 : x1 + 4] = False
    assert not ink.any()


@pytest.mark.parametrize("seed", range(4))
def test_scanner_moves_nothing(seed):
    layout = lay_out(page_of(ADDRESS), seed)
    ink = grey(render(layout)) < 110
    scanned = grey(draw(layout, "page.png"))
    assert scanned[ink].mean() < 150 < scanned[~ink].mean()


def test_words_of_a_printed_line_share_size_and_face_and_stay_apart():
    runs = lay_out(page_of(ADDRESS)).runs
    assert [run.text for run in runs] == ["Bahnhofstraße", "19", "55232", "Alzey"]
    assert len({run.face for run in runs}) == 1
    assert runs[0].baseline < 228 < runs[2].baseline < 260


def test_words_in_boxes_without_gaps_are_set_smaller_to_stay_apart():
    """OCR engines that make labels often give boxes that touch."""
    words = [
        Word("Kostenvermerke", (100, 100, 300, 130)),
        Word("Nummer", (300, 100, 370, 130)),
        Word("Antragsteller", (370, 100, 560, 130)),
    ]
    line = entry(1, "Kostenvermerke Nummer Antragsteller", "OTHER", (100, 100, 560, 130), words)
    for seed in range(10):
        runs = lay_out(page_of(line), seed).runs
        for before, after in itertools.pairwise(runs):
            end = before.x + fonts.width(before.text, before.face, before.size, before.tracking)
            assert end + 0.2 * before.size < after.x


def test_large_pages_are_drawn_smaller():
    layout = lay_out(page_of(ADDRESS, size=(2480, 3508)), longer_side=1754)
    assert (layout.width_px, layout.height_px) == (1240, 1754)
    assert layout.runs[0].x == pytest.approx(50, abs=5)
    assert draw(layout, "page.png").size == (1240, 1754)


def test_small_pages_keep_their_size():
    assert lay_out(page_of(ADDRESS, size=(620, 877))).width_px == 620


def test_same_seed_same_picture_other_seed_another():
    page = page_of(ADDRESS, entry(2, "Weber", "ANSWER", (500, 200, 600, 230)))
    first, again, other = (lay_out(page, seed) for seed in (3, 3, 4))
    assert (first.runs, first.shapes) == (again.runs, again.shapes)
    assert (first.runs, first.shapes) != (other.runs, other.shapes)
    assert draw(first, page.name).tobytes() == draw(again, page.name).tobytes()


@pytest.mark.parametrize("face", ["serif", "typewriter", "noto-sc"])
def test_every_symbol_has_a_face(face):
    """A glyph for every character, none of them the box that stands for a missing one."""
    for char in SYMBOLS:
        found = face_with(char, face)
        if char in fonts.DRAWN:
            assert found == face
            continue
        mask = fonts.font(found, 40.0).getmask(char)
        assert bytes(mask) != bytes(fonts.font(found, 40.0).getmask("\uffff")), char
        assert mask.getbbox(), char


def test_word_with_a_symbol_takes_two_faces():
    runs = lay_out(page_of(entry(1, "→Nein", "OTHER", (100, 100, 200, 130)))).runs
    assert "".join(run.text for run in runs) == "→Nein"
    assert all(run.face == face_with(run.text[0], run.face) for run in runs)
    assert all(before.x < after.x for before, after in itertools.pairwise(runs))


def test_segment_without_words_is_cut_into_printed_lines():
    text = "本人承诺所填写的内容真实有效并愿意承担责任"
    runs = lay_out(page_of(entry(1, text, "OTHER", (100, 100, 320, 152)))).runs
    assert len({run.baseline for run in runs}) == 2
    assert "".join(run.text for run in runs) == text


def test_words_that_stand_on_end_and_empty_ones_are_left_out():
    standing = entry(1, "Rand", "OTHER", (10, 100, 30, 400))
    empty = entry(2, " ", "ANSWER", (200, 100, 300, 130))
    assert lay_out(page_of(standing, empty)).runs == ()


def test_text_on_dark_bands_is_white():
    heading = entry(1, "Antrag", "HEADER", (300, 300, 500, 340))
    colours = {lay_out(page_of(heading), seed).runs[0].colour for seed in range(40)}
    assert (255, 255, 255) in colours
    assert len(colours) == 2
