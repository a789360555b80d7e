import pytest

from beam_kie.imaging.page_ranges import cut_pages


@pytest.mark.parametrize(
    ("first", "last", "most", "ranges"),
    [
        (1, 1, 50, [(1, 1)]),
        (1, 50, 50, [(1, 50)]),
        (1, 51, 50, [(1, 25), (26, 51)]),
        (1, 10, 4, [(1, 3), (4, 6), (7, 10)]),
        (7, 9, 1, [(7, 7), (8, 8), (9, 9)]),
        (3, 2_000, 0, [(3, 2_000)]),
    ],
)
def test_ranges_hold_every_page_once_and_are_of_about_equal_length(first, last, most, ranges):
    assert cut_pages(first, last, most) == ranges


def test_no_range_is_longer_than_it_may_be():
    for pages in range(1, 200):
        for most in (1, 7, 50):
            lengths = [last - first + 1 for first, last in cut_pages(1, pages, most)]
            assert sum(lengths) == pages and max(lengths) <= most and max(lengths) - min(lengths) <= 1
