import pytest

from beam_kie.ocr.dropped_marks import with_dropped_marks
from beam_kie.ticks.placing import find_ticks
from tests.beam_kie.ticks.drawn import Drawing

EMPTY, FILLED = ("○", "O"), ("◉", "O")
LOST = ("○", "")
GAP = "   "


def texts(drawing):
    return [line.text for line in with_dropped_marks(drawing.page()).lines]


def test_a_ring_that_is_read_as_a_letter_is_known_beside_one_that_was_lost():
    # As a fax has it: the question and its first option in one line, the second option in another.
    drawing = Drawing().line(100, 200, "CONVICTED?", GAP, LOST, " Yes").line(640, 200, FILLED, " No")
    assert texts(drawing)[1] == "● No"
    (tick,) = [tick for tick in find_ticks(drawing.page()) if tick.line == 1]
    assert tick.selected and tick.is_ring


@pytest.mark.parametrize("ticked", [EMPTY, FILLED])
def test_rings_that_are_all_read_as_letters_are_known(ticked):
    drawing = Drawing().line(100, 200, "Smoker?", GAP, EMPTY, " Yes", GAP, ticked, " No")
    second = "●" if ticked is FILLED else "○"
    assert texts(drawing) == [f"Smoker?{GAP}○ Yes{GAP}{second} No"]


def test_a_box_that_is_read_as_a_letter_is_known_beside_others():
    drawing = Drawing().line(100, 200, ("□", "□"), " Air", GAP, ("☒", "回"), " Heat", GAP, ("□", "D"), " Gas")
    assert texts(drawing) == [f"□ Air{GAP}☑ Heat{GAP}□ Gas"]


@pytest.mark.parametrize(
    "words",
    ["O Negative", "O  Negative", "Blood group: O Negative", "O'Brien", "Plan D Basic", "0 km", "O +"],
)
def test_letters_stay_letters_below_each_other_and_below_marks(words):
    drawing = Drawing().line(100, 200, words).line(100, 300, words)
    drawing.line(100, 400, EMPTY, " Yes", GAP, ("◉", "●"), " No").line(100, 500, ("□", "□"), " Air")
    assert texts(drawing)[:2] == [words, words]


def test_a_letter_in_the_row_of_thin_rings_stays_a_letter():
    drawing = Drawing().line(100, 200, "O  Negative").line(500, 200, ("○", "○"), " Yes", GAP, LOST, " No")
    assert texts(drawing)[0] == "O  Negative"


def test_an_option_that_is_called_o_has_one_mark():
    ring = ("○", "○")
    drawing = Drawing().line(100, 200, ring, "  A", GAP, ring, "  AB", GAP, ring, "  O", stroke=3)
    drawing.line(100, 300, ring, "  O  Rh", stroke=3).line(500, 300, LOST, "  O  Rh", stroke=3)
    assert texts(drawing) == [f"○  A{GAP}○  AB{GAP}○  O", "○  O  Rh", "○ O  Rh"]


def test_thick_rings_count_where_others_of_the_row_are_as_thick():
    thick = {"stroke": 4, "side": 30}
    drawing = Drawing().line(100, 200, LOST, "  Good", **thick).line(400, 200, EMPTY, "  Poor", **thick)
    assert texts(drawing) == ["○ Good", "○  Poor"]


def test_a_letter_alone_in_its_line_is_a_mark_only_if_it_is_ticked():
    row = Drawing().line(100, 200, ("○", "○"), " Yes").line(300, 200, FILLED).line(360, 200, "No")
    assert "●" in texts(row)[1]
    blood = Drawing().line(100, 200, ("○", "○"), " Yes").line(500, 200, EMPTY)
    assert texts(blood)[1] == "O"


@pytest.mark.parametrize("read", ["", "中", "Q"])
def test_a_box_under_a_tick_that_is_larger_is_known_beside_empty_ones(read):
    drawing = Drawing().line(100, 200, ("☑", read), " Air", GAP, ("□", "□"), " Heat", GAP, ("□", "□"), " Gas")
    assert texts(drawing) == [f"☑ Air{GAP}□ Heat{GAP}□ Gas"]
    first = min(find_ticks(drawing.page()), key=lambda tick: tick.box[0])
    assert first.selected and not first.is_ring
