import numpy as np
import pytest

from beam_kie.layoutxlm.decoding.beside import nearest_beside

ROW = (100, 100, 200, 120)
BOXES = np.array(
    [
        (0, 100, 40, 120),
        (50, 109, 90, 400),  # eleven of twenty pixels in common
        (60, 110, 95, 130),  # ten
        (240, 90, 300, 130),
        (210, 100, 230, 104),  # as far as it is high
    ]
)


@pytest.mark.parametrize(
    ("on_left", "left_out", "nearest"),
    [(True, {3, 4}, 1), (True, {1, 3, 4}, 0), (False, {0, 1, 2}, 4), (False, {0, 1, 2, 4}, 3)],
)
def test_the_nearest_box_of_the_row_on_a_side_counts(on_left, left_out, nearest):
    among = np.array([place not in left_out for place in range(len(BOXES))])
    assert nearest_beside(ROW, BOXES, on_left, among) == nearest


def test_there_may_be_none():
    assert nearest_beside(ROW, BOXES, True, np.arange(len(BOXES)) == 2) is None
    assert nearest_beside(ROW, np.zeros((0, 4)), True, np.zeros(0, dtype=bool)) is None
