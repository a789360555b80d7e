"""A form as a telephone photographs it: at an angle on a table, unevenly lit."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from beam_kie.forms.model import Form, Layout, moved

PHOTO = "photo"
_TABLES = ((92, 70, 50), (128, 118, 108), (60, 62, 66), (150, 132, 108), (40, 60, 80))
_EDGE = 0.09  # of the width, round the sheet


def photograph(form: Form, seed: int = 0) -> Form:
    """The form at an angle, with the table round it; the labels move with the picture.

    Args:
        form: with its picture.
        seed: any whole number; the same arguments give the same result.
    """
    pixels = np.asarray(form.image.convert("RGB"))
    matrix, (width, height) = _view(form.layout, seed)
    rng = np.random.default_rng([seed, 7])
    table = _table(width, height, rng)
    # Coordinates count from the corner of the first pixel, OpenCV's from its centre.
    shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])
    used = shift @ matrix @ np.linalg.inv(shift)
    sheet = cv2.warpPerspective(pixels, used, (width, height), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(pixels.shape[:2], 255, np.uint8), used, (width, height))
    shadow = cv2.GaussianBlur(mask, (0, 0), width / 80)[..., None] / 255.0
    page = table * (1 - 0.45 * shadow)
    page = np.where(mask[..., None] > 127, sheet, page)
    page = page * _light(width, height, rng)[..., None] + rng.normal(0, 3.5, page.shape)
    page = cv2.GaussianBlur(np.clip(page, 0, 255).astype(np.uint8), (0, 0), rng.uniform(0.4, 0.9))
    _, coded = cv2.imencode(".jpg", page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 88))])
    page = cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]
    return Form(Image.fromarray(np.ascontiguousarray(page)), moved(form.layout, matrix, width, height))


def _view(layout: Layout, seed: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The homography, old to new coordinates, and the size of the picture."""
    rng = np.random.default_rng([seed, 6])
    w, h = layout.width_px, layout.height_px
    edge = _EDGE * w
    width, height = round(w + 2 * edge), round(h + 2 * edge)
    old = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    angle = np.deg2rad(rng.normal(0, 2.0))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    new = (old - [w / 2, h / 2]) @ turn.T
    # The far side of the sheet is the shorter one.
    new[:2, 0] *= 1 - rng.uniform(0.0, 0.14)
    new *= rng.uniform(0.9, 0.98)
    new += rng.uniform(-0.02, 0.02, new.shape) * w + [width / 2, height / 2]
    new = np.clip(new, [2, 2], [width - 2, height - 2]).astype(np.float32)
    return cv2.getPerspectiveTransform(old, new), (width, height)


def _table(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    colour = np.array(_TABLES[rng.integers(len(_TABLES))], np.float32)
    grain = cv2.resize(rng.normal(0, 1, (max(2, height // 4), 12)).astype(np.float32), (width, height))
    return np.clip(colour + 14 * grain[..., None], 0, 255)


def _light(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """A lamp on one side, and the shadow of a hand at times: factors of the brightness."""
    corners = rng.uniform(0.68, 1.04, (2, 2)).astype(np.float32)
    light = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4:
        dark = np.zeros((height, width), np.float32)
        centre = int(rng.uniform(0, width)), int(rng.uniform(0.5, 1.1) * height)
        cv2.circle(dark, centre, int(width * rng.uniform(0.2, 0.45)), (1.0,), -1)
        light = light * (1 - 0.28 * cv2.GaussianBlur(dark, (0, 0), width / 14))
    return light
