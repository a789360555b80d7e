import numpy as np
import pytest

from beam_kie.forms import poses
from beam_kie.ocr.ink_skew import ink_skew


@pytest.mark.parametrize("skew_deg", [-15, -6, -1, 0, 2, 9, 15])
def test_few_rows_of_text_are_enough(skew_deg):
    page = poses.tilted(poses.plain_form(1, rows=4), skew_deg)
    assert ink_skew(page.pixels) == pytest.approx(skew_deg, abs=0.15)


def test_a_blank_page_and_dust_have_no_direction():
    blank = np.full((700, 500, 3), 255, np.uint8)
    assert ink_skew(blank) is None
    dust = blank.copy()
    dust[np.random.default_rng(1).random(dust.shape[:2]) < 0.01] = 0
    assert ink_skew(dust) is None
    assert ink_skew(blank[:1, :1]) is None
