import numpy as np
import pytest
from PIL import Image, ImageDraw

from beam_kie.overlays import drawing
from beam_kie.overlays.fonts import load_font


def paper(width=300, height=200):
    return np.full((height, width, 3), 255, np.uint8)


def is_colour(pixel, colour, tolerance=40):
    return np.abs(pixel.astype(int) - colour).max() <= tolerance


def test_labels_keep_their_colour_and_other_labels_get_one():
    assert drawing.label_colour("QUESTION") == drawing.label_colour("question") == drawing.BLUE
    assert drawing.label_colour("TOTAL") == drawing.label_colour("TOTAL")
    known = {drawing.label_colour(label) for label in ("QUESTION", "ANSWER", "HEADER")}
    assert len(known) == 3
    assert drawing.label_colour("TOTAL") not in known | {drawing.RELATION_COLOUR}


def test_polygon_is_outlined_and_what_is_in_it_stays_legible():
    page = paper()
    page[100, 150] = 0
    drawn = drawing.fill_polygons(page, [((50, 50, 250, 50, 250, 150, 50, 150), drawing.BLUE)], 2)
    assert is_colour(drawn[50, 150], drawing.BLUE)
    assert drawn[100, 150].max() < 60 and drawn[100, 140].min() > 180
    assert (drawn[10, 10] == 255).all()
    assert (page[50, 150] == 255).all(), "the caller's picture is left alone"


def arrow_pixels(start, end, around=()):
    drawn = drawing.draw_arrows(paper(), [(start, end)], around, drawing.VERMILLION, 2)
    return np.abs(drawn.astype(int) - drawing.VERMILLION).max(axis=2) <= 90


def test_arrow_leads_from_one_box_to_the_other():
    marked = arrow_pixels((20, 90, 80, 110), (200, 90, 260, 110))
    assert marked[98:103, 90:190].any(axis=0).all()
    assert not marked[:, 215:].any() and not marked[:, :15].any()
    # The head is at the second box.
    assert marked[:, 190:201].any(axis=1).sum() > marked[:, 100:111].any(axis=1).sum()


def test_arrow_passes_by_a_box_in_its_way():
    start, between, end = (10, 90, 60, 110), (90, 90, 170, 110), (200, 90, 260, 110)
    straight, around = arrow_pixels(start, end), arrow_pixels(start, end, [start, between, end])
    assert straight[95:106, 100:160].any()
    assert not around[96:105, 100:160].any()
    assert around.any()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((20, 90, 80, 110), (82, 90, 140, 110)),
        ((20, 90, 80, 110), (20, 90, 80, 110)),
        ((20, 90, 80, 110), (40, 95, 60, 105)),
        ((50, 50, 50, 50), (50, 50, 50, 50)),
        ((280, 180, 420, 260), (-50, -50, -20, -20)),
    ],
)
def test_arrow_between_touching_equal_empty_or_outlying_boxes_is_still_drawn(start, end):
    assert arrow_pixels(start, end, [start, end]).sum() > 10


@pytest.mark.parametrize("anchor", ["la", "ra", "rd"])
@pytest.mark.parametrize("text", ["Registration no. 12/3", "非自然人客户（2021）", "naïve — Ä √□", " ", ""])
def test_text_is_drawn_as_pillow_draws_it(text, anchor):
    font = load_font(17)
    expected, drawn = Image.new("RGB", (400, 80), "white"), Image.new("RGB", (400, 80), "white")
    ImageDraw.Draw(expected).text((200, 40), text, font=font, fill=drawing.INK, anchor=anchor)
    drawing.draw_text(ImageDraw.Draw(drawn), (200, 40), text, font, drawing.INK, anchor)
    # Where two characters overlap, their edges are blended in another way.
    different = np.abs(np.asarray(drawn).astype(int) - np.asarray(expected)).max(axis=2) > 8
    assert different.sum() <= 5
    assert (np.asarray(drawn) < 128).any() == bool(text.strip())


def test_text_fits_the_width_that_it_is_given():
    font = load_font(16)
    for text in ("a", "Registration number of the vehicle", "非自然人客户受益所有人信息登记表"):
        short = drawing.shorten(text, font, 100)
        assert font.getlength(short) <= 100
        assert short == text or short.endswith("…")
    assert drawing.shorten("two\n words", font, 500) == "two words"


def test_lines_break_at_spaces_or_between_characters():
    font = load_font(16)
    english = "Registration number of the vehicle"
    lines = drawing.wrap(english, font, 120, lines=9)
    assert " ".join(lines) == english
    chinese = "非自然人客户受益所有人信息登记表"
    lines = drawing.wrap(chinese, font, 100, lines=9)
    assert "".join(lines) == chinese and len(lines) > 1
    long_word = "Donaudampfschifffahrtsgesellschaft"
    assert "".join(drawing.wrap(long_word, font, 100, lines=9)) == long_word
    for line in lines:
        assert font.getlength(line) <= 100


def test_text_that_needs_more_lines_ends_with_an_ellipsis():
    font = load_font(16)
    lines = drawing.wrap("Registration number of the vehicle", font, 90, lines=2)
    assert len(lines) == 2 and lines[-1].endswith("…")
    assert drawing.wrap("", font, 90, lines=2) == []
