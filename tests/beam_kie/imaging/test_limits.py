import pytest

from beam_kie.document import Category, DocumentError
from beam_kie.imaging.limits import DecodeLimits, check_file_size, check_pixels

LIMITS = DecodeLimits(max_file_bytes=100, max_pixels=600, max_pages=2)


@pytest.mark.parametrize("name", ["max_file_bytes", "max_pixels", "max_pages"])
def test_limits_below_one_are_refused(name):
    with pytest.raises(ValueError, match=name):
        DecodeLimits(**{name: 0})


def test_limits_themselves_are_allowed():
    check_file_size(100, LIMITS)
    check_pixels(20, 30, LIMITS)


@pytest.mark.parametrize(("size", "category"), [(0, Category.FILE_EMPTY), (101, Category.FILE_TOO_LARGE)])
def test_file_sizes_outside_the_limit(size, category):
    with pytest.raises(DocumentError) as caught:
        check_file_size(size, LIMITS)
    assert caught.value.category is category
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("size", "category"), [((20, 31), Category.IMAGE_TOO_LARGE), ((0, 31), Category.FILE_CORRUPT)]
)
def test_pictures_outside_the_limit(size, category):
    with pytest.raises(DocumentError) as caught:
        check_pixels(*size, LIMITS)
    assert caught.value.category is category
