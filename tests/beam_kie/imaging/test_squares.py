import numpy as np

from beam_kie.imaging.squares import find_pieces, free_sides, squares_of


def test_square_pieces_have_their_boxes_and_others_are_left_out():
    mask = np.zeros((100, 200), np.uint8)
    mask[10:30, 20:42] = 255
    mask[50:60, 20:80] = 255
    mask[80:84, 150:154] = 255
    assert squares_of(find_pieces(mask), 10, 40, 1.2) == [(20, 10, 22, 20)]
    assert squares_of(find_pieces(mask), 4, 40, 1.2) == [(20, 10, 22, 20), (150, 80, 4, 4)]
    assert squares_of(find_pieces(np.zeros((5, 5), np.uint8)), 1, 5, 2.0) == []


def test_sides_are_free_where_no_ink_is_near():
    mask = np.zeros((40, 100), np.uint8)
    mask[10:30, 40:60] = 255
    assert free_sides(mask, (40, 10, 20, 20), 0.25) == 2
    mask[15:25, 63:70] = 255
    assert free_sides(mask, (40, 10, 20, 20), 0.25) == 1
    assert free_sides(mask, (40, 10, 20, 20), 0.1) == 2
    mask[15:25, 30:37] = 255
    assert free_sides(mask, (40, 10, 20, 20), 0.25) == 0
