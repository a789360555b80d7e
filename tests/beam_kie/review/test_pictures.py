import io

import numpy as np
from PIL import Image

from beam_kie.overlays.page import draw_overlay, place_on_overlay
from beam_kie.review.pictures import THUMBNAIL_SIDE, thumbnail
from tests import pages


def test_thumbnail_is_small_keeps_its_shape_and_is_the_same_each_time():
    picture = pages.preview(1000, 1400, "orange")
    small = Image.open(io.BytesIO(thumbnail(picture)))
    assert small.format == "JPEG"
    assert max(small.size) == THUMBNAIL_SIDE
    assert abs(small.width / small.height - 1000 / 1400) < 0.02
    assert np.asarray(small)[100, 80][2] < 60
    assert thumbnail(picture) == thumbnail(picture)


def test_page_lies_on_its_overlay_where_it_is_said_to():
    for size, preview in (
        ((1000, 1400), (500, 700)),
        ((1400, 1000), (1400, 1000)),
        ((2000, 2800), (1143, 1600)),
    ):
        result = pages.result(
            form=[],
            links=[],
            width_px=size[0],
            height_px=size[1],
            preview=pages.preview(*preview, colour="black"),
        )
        drawn = Image.open(io.BytesIO(draw_overlay(result, 1600)))
        # The job shrinks previews, but does not enlarge them.
        area = place_on_overlay(size if max(size) > 1600 else preview, 1600, 0)
        assert drawn.size == area[0]
        dark = np.asarray(drawn.convert("L")) < 60
        (top, *_, bottom), (left, *_, right) = (np.flatnonzero(dark.mean(axis=axis) > 0.4) for axis in (1, 0))
        assert np.abs(np.subtract((left, top, right + 1, bottom + 1), area[1])).max() <= 3
