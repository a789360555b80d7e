import math

import pytest

from beam_kie.geometry import polygon_area
from beam_kie.ocr.shapes import enclosing_quadrilateral


def test_quadrilaterals_stay_as_they_are():
    assert enclosing_quadrilateral([0, 0, 10, 1, 11, 6, 1, 5]) == (0, 0, 10, 1, 11, 6, 1, 5)


@pytest.mark.parametrize("angle", range(0, 45, 7))
def test_points_on_a_tilted_rectangle_give_that_rectangle(angle):
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = [(0, 0), (50, 0), (100, 0), (100, 20), (70, 20), (0, 20), (0, 10)]
    points = [(500 + x * cos - y * sin, 500 + x * sin + y * cos) for x, y in corners]
    found = enclosing_quadrilateral([value for point in points for value in point])
    expected = [value for i in (0, 2, 3, 5) for value in points[i]]
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "polygon", [[5, 5, 5, 5], [0, 0, 5, 5, 9, 9], [1, 1, 1, 1, 1, 1, 1, 1], [0, 5, 9, 5]]
)
def test_what_has_no_area_has_none(polygon):
    found = enclosing_quadrilateral(polygon)
    assert len(found) == 8
    assert polygon_area(found) == 0
