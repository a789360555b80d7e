"""Which fold a page is in."""

from beam_kie.training.folds.dividing import fold_of_files

NAMES = [f"page{number}.jpg" for number in range(23)]


def test_folds_are_of_equal_size_and_stay_the_same():
    found = fold_of_files(NAMES, 5, 0)
    sizes = [sum(fold == wanted for fold in found.values()) for wanted in range(1, 6)]
    assert max(sizes) - min(sizes) <= 1 and sum(sizes) == 23
    assert fold_of_files(reversed(NAMES), 5, 0) == found
    assert fold_of_files(NAMES, 5, 1) != found


def test_pages_that_follow_each_other_are_not_one_fold():
    found = fold_of_files(NAMES, 5, 0)
    assert len({found[name] for name in NAMES[:5]}) > 2


def test_pages_of_one_file_are_in_one_fold():
    pages = [f"scan{number}.tif#page={page}" for number in range(5) for page in (1, 2, 3)]
    found = fold_of_files(pages, 5, 0)
    assert sorted(found.values()) == [1, 2, 3, 4, 5]
    assert sorted(found) == [f"scan{number}.tif" for number in range(5)]
