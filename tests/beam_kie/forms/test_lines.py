from beam_kie.forms import LANGUAGES, generate_layout, visual_lines
from beam_kie.forms.model import Entry, Layout, Piece


def page(*pieces):
    entries = []
    for number, (text, x0, y0, x1, y1) in enumerate(pieces):
        polygon = (x0, y0, x1, y0, x1, y1, x0, y1)
        entries.append(Entry(number, text, "OTHER", polygon, (Piece(text, polygon),)))
    return Layout("en", "order", 0, 500, 500, 72, tuple(entries))


def test_neighbours_run_together_and_know_their_entries():
    (line,) = visual_lines(page(("Name:", 10, 10, 40, 20), ("Li Lei", 43, 10, 80, 20)))
    assert line.text == "Name: Li Lei"
    assert [(span.line, line.text[span.start : span.end]) for span in line.spans] == [
        (0, "Name:"),
        (1, "Li Lei"),
    ]
    assert line.polygon == (10, 10, 80, 10, 80, 20, 10, 20)


def test_what_touches_gets_no_space():
    (line,) = visual_lines(page(("姓名：", 10, 10, 40, 20), ("李雷", 40, 10, 60, 20)))
    assert line.text == "姓名：李雷"


def test_a_wide_gap_or_another_baseline_parts_lines():
    texts = [
        line.text
        for line in visual_lines(
            page(("left", 10, 10, 40, 20), ("right", 90, 10, 120, 20), ("below", 10, 24, 40, 34))
        )
    ]
    assert texts == ["left", "right", "below"]


def test_no_character_of_a_form_is_lost():
    for language in LANGUAGES:
        layout = generate_layout(language, 11)
        lines = visual_lines(layout)
        pieces = sorted(piece.text for entry in layout.entries for piece in entry.pieces)
        spans = sorted(line.text[span.start : span.end] for line in lines for span in line.spans)
        assert spans == pieces
        assert len(lines) <= len(pieces)
