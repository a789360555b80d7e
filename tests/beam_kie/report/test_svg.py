import xml.etree.ElementTree as ElementTree

import pytest

from beam_kie.report.figures import Figure, Form
from beam_kie.report.svg import WIDTH, draw, shown


def figure(form, values=(1.0, 4.0, 2.0), labels=None):
    labels = labels or tuple(f"label {number}" for number in range(len(values)))
    return Figure("name", "Title", form, "label", "pages", tuple(labels), tuple(values))


def elements(drawing, name):
    return [element for element in ElementTree.fromstring(drawing).iter() if element.tag == name]


@pytest.mark.parametrize(
    ("form", "mark"), [(Form.COLUMNS, "rect"), (Form.BARS, "rect"), (Form.LINE, "circle")]
)
def test_every_value_is_a_mark_with_its_title(form, mark):
    marks = elements(draw(figure(form)), mark)
    assert [each.find("title").text for each in marks] == [
        f"label {n}: {v} pages" for n, v in enumerate((1, 4, 2))
    ]


def test_marks_are_as_long_as_their_values():
    bars = [float(each.get("width")) for each in elements(draw(figure(Form.BARS)), "rect")]
    columns = [float(each.get("height")) for each in elements(draw(figure(Form.COLUMNS)), "rect")]
    for lengths in (bars, columns):
        assert lengths[1] == pytest.approx(4 * lengths[0], abs=0.5)
    dots = [float(each.get("cy")) for each in elements(draw(figure(Form.LINE)), "circle")]
    assert dots[1] < dots[2] < dots[0]


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("values", [[0.001], [7], [0.0, 3.0], [1e9, 1.0], [0.5] * 240])
def test_nothing_lies_outside(form, values):
    drawing = draw(figure(form, values))
    height = float(drawing.split('viewBox="')[1].split('"')[0].split()[3])
    for element in elements(drawing, "rect"):
        x, y = float(element.get("x")), float(element.get("y"))
        assert x >= 0 and x + float(element.get("width")) <= WIDTH
        assert y >= 0 and y + float(element.get("height")) <= height
    for element in elements(drawing, "circle"):
        assert 0 <= float(element.get("cx")) <= WIDTH and 0 <= float(element.get("cy")) <= height


@pytest.mark.parametrize("form", Form)
def test_names_are_text(form):
    hostile = "</svg><script>alert(1)</script>\"'"
    drawing = draw(figure(form, [1.0], [hostile]))
    assert "<script" not in drawing
    assert hostile in [element.text.removesuffix(": 1 pages") for element in elements(drawing, "title")]


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.25, "0.25"), (1234.5, "1,234"), (3.14159, "3.14")])
def test_values_have_few_digits(value, text):
    assert shown(value) == text
