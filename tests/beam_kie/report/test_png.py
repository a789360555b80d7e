import io

import pytest
from PIL import Image

from beam_kie.report.figures import Figure, Form
from beam_kie.report.png import png_of


def figure(form, labels, values):
    return Figure("name", "Title of $runs$", form, "label", "pages", tuple(labels), tuple(values))


@pytest.mark.parametrize("form", Form)
def test_a_figure_is_a_picture(form):
    made = figure(form, ["$a_b$", "<b>", "c" * 40], [1.0, 4.0, 2.0])
    with Image.open(io.BytesIO(png_of(made))) as image:
        assert (image.format, image.size) == ("PNG", (1200, 675))
        assert image.convert("L").getextrema()[0] < 100
        colours = image.convert("RGB").getcolors(image.width * image.height)
    assert (0, 114, 178) in [colour for _, colour in colours]
    assert png_of(made) == png_of(made)


def test_other_values_are_another_picture():
    assert png_of(figure(Form.COLUMNS, "ab", [1, 2])) != png_of(figure(Form.COLUMNS, "ab", [2, 1]))
