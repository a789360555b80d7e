import numpy as np
import pytest

from beam_kie.layoutxlm.inputs.images import page_thumbnail, thumbnail_pixels


def test_any_page_becomes_224_by_224():
    for height, width in ((300, 200), (50, 900), (1, 1), (224, 224)):
        pixels = np.full((height, width, 3), (10, 20, 30), dtype=np.uint8)
        for kind in ("hf", "paddleocr"):
            small = thumbnail_pixels(page_thumbnail(pixels, kind))
            assert small.shape == (224, 224, 3)
            assert small.dtype == np.uint8
            assert (small == (10, 20, 30)).all()


def test_paddleocr_skips_pixels_and_hugging_face_takes_their_mean():
    stripes = np.zeros((2240, 2240, 3), dtype=np.uint8)
    stripes[::10] = 250  # one row of ten, which OpenCV's four pixels miss
    assert thumbnail_pixels(page_thumbnail(stripes, "paddleocr")).max() == 0
    assert 20 <= thumbnail_pixels(page_thumbnail(stripes, "hf")).mean() <= 30


def test_colours_and_places_stay():
    pixels = np.zeros((448, 448, 3), dtype=np.uint8)
    pixels[:224, 224:, 0] = 255
    for kind in ("hf", "paddleocr"):
        small = thumbnail_pixels(page_thumbnail(pixels, kind))
        assert small[50, 170].tolist() == [255, 0, 0]
        assert small[170, 50].tolist() == [0, 0, 0]


def test_pictures_are_those_of_paddleocr(reference):
    arrays = np.load(reference / "prepost_a4_None_line.npz")
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    wanted = arrays["image"][0].transpose(1, 2, 0) * std + mean
    found = thumbnail_pixels(page_thumbnail(arrays["rgb"], "paddleocr"))
    assert np.abs(found - wanted).max() < 1e-4


def test_other_bytes_are_refused():
    with pytest.raises(ValueError, match="150528"):
        thumbnail_pixels(b"\xff\xd8")
