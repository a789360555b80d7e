from beam_kie.document import TextLine
from beam_kie.geometry import box_polygon
from beam_kie.ocr.form_marks import with_marks
from beam_kie.page_parts import FieldKind, FormField


def line(text, *box):
    return TextLine(text, box_polygon(box), 0.8)


def button(selected, *box):
    return FormField("b", None, FieldKind.CHECKBOX, box_polygon(box), selected=selected)


def texts(lines, *fields):
    return [each.text for each in with_marks(lines, fields)]


def test_a_mark_stands_before_its_option():
    lines = [line("yes", 30, 0, 60, 20), line("no", 130, 0, 160, 20)]
    marked = with_marks(lines, [button(True, 5, 0, 25, 20), button(False, 105, 0, 125, 20)])
    assert [each.text for each in marked] == ["☑ yes", "☐ no"]
    assert marked[0].box == (5, 0, 60, 20) and marked[0].confidence == 0.8


def test_a_mark_alone_is_a_line():
    marked = with_marks([line("Member:", 0, 0, 60, 20)], [button(True, 100, 0, 120, 20)])
    assert [each.text for each in marked] == ["Member:", "✔"]
    assert (marked[1].box, marked[1].confidence) == ((100, 0, 120, 20), None)


def test_what_was_read_of_a_mark_gives_way_to_it():
    assert texts([line("レ", 102, 2, 118, 18)], button(False, 100, 0, 120, 20)) == ["☐"]


def test_labels_of_other_fields_and_other_rows_are_no_options():
    lines = [line("Date:", 30, 0, 60, 20), line("above", 30, -40, 60, -20), line("far", 90, 0, 120, 20)]
    assert texts(lines, button(True, 5, 0, 25, 20)) == ["Date:", "above", "far", "✔"]


def test_one_option_has_one_mark():
    boxes = [button(True, 5, 0, 25, 20), button(False, 7, 1, 27, 21)]
    assert texts([line("yes", 30, 0, 60, 20)], *boxes) == ["☑ yes", "☐"]


def test_pages_without_buttons_stay_as_they_are():
    lines = [line("yes", 30, 0, 60, 20)]
    text = FormField("t", None, FieldKind.TEXT, box_polygon((0, 0, 70, 30)), "yes")
    assert with_marks(lines, [text]) == lines
