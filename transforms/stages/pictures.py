"""What remains of a page's pixels once its text is read, and the failure of a page that could not be read."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from beam_kie.document import Category, FailedPage, PageImage, PageText, Stage
from beam_kie.failures import failure_of
from beam_kie.imaging.decode import encode_preview, upright
from beam_kie.layoutxlm.inputs.images import with_picture

_LOGGER = logging.getLogger(__name__)
_ADVICE = "Try this page with the other --ocr_engine; if that fails too, please report it."


def add_pictures(
    image: PageImage, outcome: PageText | FailedPage, pictures: str | None, preview_side: int | None
) -> PageText | FailedPage:
    """Add small pictures of the upright page.

    Args:
        image: the page with its pixels.
        outcome: what OCR made of it.
        pictures: what the model looks at (KieModel.pictures); None: nothing.
        preview_side: longest side of the preview in pixels; None: no preview.

    Returns:
        The outcome with its pictures, or without them where they cannot be made.
    """
    page = outcome.page if isinstance(outcome, FailedPage) else outcome
    try:
        page = _pictured(page, upright(image.pixels, page.rotation_deg), pictures, preview_side)
    except Exception as error:
        # The page itself is read. Whoever needs the picture reports that there is none.
        _LOGGER.warning("no picture of %s page %d: %s", image.uri, image.page, type(error).__name__)
    return replace(outcome, page=page) if isinstance(outcome, FailedPage) else page


def _pictured(page: PageText, pixels: np.ndarray, pictures: str | None, preview_side: int | None) -> PageText:
    if pictures is not None:
        page = with_picture(page, pixels, pictures)
    if preview_side is not None:
        page = replace(page, preview=encode_preview(pixels, preview_side))
    return page


def mark_damaged(image: PageImage, outcome: PageText | FailedPage) -> PageText | FailedPage:
    """Note in what was read that a part of the page could not be decoded, where that is so.

    Args:
        image: the page.
        outcome: what OCR made of it.
    """
    if image.damage is None:
        return outcome
    page = outcome.page if isinstance(outcome, FailedPage) else outcome
    page = replace(page, is_damaged=True)
    return replace(outcome, page=page) if isinstance(outcome, FailedPage) else page


def failed_page(image: PageImage, error: Exception) -> FailedPage:
    """The failure of one page in OCR; the page as it lay in the file, without lines.

    Args:
        image: the page.
        error: what the engine raised.
    """
    failure = failure_of(error, image, Stage.OCR, Category.OCR_FAILED, _ADVICE)
    height, width = image.pixels.shape[:2]
    return FailedPage(failure, PageText(image.document_id, image.uri, image.page, width, height))
