import cv2
import numpy as np
import pytest
from PIL import Image

from beam_kie.forms import (
    ScanSettings,
    fax_form,
    generate_form,
    random_settings,
    scan_form,
    scan_layout,
)


@pytest.fixture(scope="module")
def form():
    return generate_form("fr", 4, "application", dpi=100)


def ink_inside(form):
    """The part of the dark pixels of text that lies in the entries' polygons."""
    grey = np.asarray(form.image.convert("L"))
    inside = np.zeros_like(grey)
    for entry in form.entries:
        for piece in entry.pieces:
            corners = np.asarray(piece.polygon).reshape(4, 2).round().astype(np.int32)
            cv2.fillPoly(inside, [corners], 1)
    dark = grey < 140
    return (dark & (inside == 1)).sum() / dark.sum()


@pytest.fixture(scope="module")
def words():
    """A form without lines and shapes, so that all ink is text."""
    form = generate_form("en", 6, "questionnaire", dpi=100)
    layout = form.layout.__class__(
        **{name: () if name == "shapes" else getattr(form.layout, name) for name in form.layout.__slots__}
    )
    from beam_kie.forms import Form, render

    return Form(render(layout), layout)


@pytest.mark.parametrize(
    "settings",
    [
        ScanSettings(skew_deg=3.0),
        ScanSettings(skew_deg=-2.0, perspective=0.01),
        ScanSettings(turn_deg=90),
        ScanSettings(turn_deg=180, skew_deg=1.0),
        ScanSettings(turn_deg=270, perspective=0.008),
    ],
    ids=["skew", "perspective", "90", "180", "270"],
)
def test_polygons_move_with_the_ink(words, settings):
    before = ink_inside(words)
    assert before > 0.97
    assert ink_inside(scan_form(words, settings, seed=9)) > before - 0.03


def test_a_turned_page_is_wide_and_keeps_the_texts_first_corner(form):
    turned = scan_form(form, ScanSettings(turn_deg=90))
    assert turned.image.size == (form.image.height, form.image.width)
    before, after = form.entries[0].polygon, turned.entries[0].polygon
    assert after[:2] == pytest.approx((form.image.height - before[1], before[0]))


def test_nothing_asked_for_changes_nothing(form):
    same = scan_form(form, "none")
    assert np.array_equal(np.asarray(same.image), np.asarray(form.image))
    for before, after in zip(form.entries, same.entries, strict=True):
        assert after.polygon == pytest.approx(before.polygon)


@pytest.mark.parametrize(
    "settings",
    [
        ScanSettings(grey=True),
        ScanSettings(contrast=0.6),
        ScanSettings(brightness=-20),
        ScanSettings(paper=230),
        ScanSettings(blur_px=1.0),
        ScanSettings(noise=8.0),
        ScanSettings(speckles=20),
        ScanSettings(bleed=0.2),
        ScanSettings(fold=0.3),
        ScanSettings(edge_shadow=0.5),
        ScanSettings(fade=0.5),
        ScanSettings(streaks=3),
        ScanSettings(jpeg_quality=30),
    ],
    ids=lambda settings: next(
        n for n in settings.__slots__ if getattr(settings, n) != getattr(ScanSettings(), n)
    ),
)
def test_every_effect_changes_the_picture_but_not_the_labels(settings):
    form = generate_form("zh", 1, "registration", dpi=60)
    form.image.putpixel((0, 0), (200, 30, 30))
    scanned = scan_form(form, settings, seed=3)
    assert not np.array_equal(np.asarray(scanned.image), np.asarray(form.image))
    assert scanned.image.size == form.image.size
    assert np.allclose(scanned.entries[5].polygon, form.entries[5].polygon)


def test_grey_scans_have_no_colour(form):
    pixels = np.asarray(scan_form(form, ScanSettings(grey=True, noise=3)).image)
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_a_scan_is_the_same_every_time(form):
    first, second = (np.asarray(scan_form(form, "heavy", seed=5).image) for _ in range(2))
    other = np.asarray(scan_form(form, "heavy", seed=6).image)
    assert np.array_equal(first, second)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_labels_alone_move_as_with_the_picture(form):
    settings = ScanSettings(skew_deg=1.5, perspective=0.004, turn_deg=90)
    assert scan_layout(form.layout, settings, 7) == scan_form(form, settings, 7).layout


def test_a_fax_is_black_and_white(form):
    fax = fax_form(form, ScanSettings(grey=True, noise=5))
    assert fax.image.mode == "1"
    assert isinstance(fax.image, Image.Image)


def test_an_unknown_strength_is_refused():
    with pytest.raises(ValueError, match="strength"):
        random_settings("brutal", np.random.default_rng(0))


def test_heavy_scans_are_stronger_than_light_ones():
    def mean(strength, name):
        rng = np.random.default_rng(0)
        return np.mean([abs(getattr(random_settings(strength, rng), name)) for _ in range(100)])

    for name in ("skew_deg", "noise", "blur_px", "speckles"):
        assert mean("heavy", name) > 1.5 * mean("light", name)
