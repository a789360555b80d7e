"""Pictures for models that read more than text and boxes: thumbnails of pages and strips of lines."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from beam_kie.document import PageText
from beam_kie.layoutxlm.config import STRIPS
from beam_kie.layoutxlm.inputs.straight import straight_page, straight_pixels
from beam_kie.layoutxlm.inputs.strips import pack_strips, page_strips

SIDE = 224
THUMBNAIL_BYTES = SIDE * SIDE * 3


def with_picture(page: PageText, pixels: np.ndarray, kind: str) -> PageText:
    """The page with the picture that a model reads beside its text.

    Args:
        page: the page, with its lines.
        pixels: those of the upright page, H x W x 3 uint8 RGB.
        kind: STRIPS, or how thumbnails are normalised ("hf", "paddleocr"): ``KieModel.pictures``.
    """
    if kind == STRIPS:
        boxes = [line.box for line in straight_page(page).lines]
        return replace(page, picture=pack_strips(page_strips(pixels, boxes, page.straightening)))
    return replace(page, picture=page_thumbnail(straight_pixels(pixels, page), kind))


def page_thumbnail(pixels: np.ndarray, image_normalisation: str = "hf") -> bytes:
    """A page shrunk to 224 x 224 pixels, whatever its proportions, as LayoutLMv2's visual backbone takes it
    (arXiv 2012.14740, section 2.1).

    Weights depend on the interpolation that they were trained with: PaddleOCR uses OpenCV's bilinear (each
    pixel from four), Hugging Face Pillow's, which takes the mean over the area.

    Args:
        pixels: H x W x 3 uint8 RGB.
        image_normalisation: of the model's configuration: "paddleocr" or "hf".

    Returns:
        224 x 224 x 3 bytes, row by row.
    """
    if image_normalisation == "paddleocr":
        small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    else:
        small = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return small.tobytes()


def thumbnail_pixels(thumbnail: bytes) -> np.ndarray:
    """The pixels of a thumbnail: 224 x 224 x 3 uint8 RGB.

    Args:
        thumbnail: as of ``page_thumbnail``.

    Raises:
        ValueError: not as many bytes as a thumbnail has.
    """
    if len(thumbnail) != THUMBNAIL_BYTES:
        raise ValueError(f"a thumbnail has {THUMBNAIL_BYTES} bytes, not {len(thumbnail)}")
    return np.frombuffer(thumbnail, dtype=np.uint8).reshape(SIDE, SIDE, 3)
