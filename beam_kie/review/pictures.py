"""Which pictures of pages there are, small pictures for lists, and where a page lies on a drawn one."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image

from beam_kie.review.pages import Place

THUMBNAIL_SIDE = 240
"""No side of a thumbnail is longer, in pixels."""

_QUALITY = 72


@dataclass(frozen=True, slots=True)
class Pictures:
    """What lies in storage, by document id and page.

    ``clean`` are pages as they are (under ``pictures/`` of the review, with a thumbnail each); ``overlays``
    are those that the job drew on. ``overlay_max_side`` is the option that they were drawn with, in pixels.
    """

    clean: frozenset[Place] = field(default=frozenset(), repr=False)
    overlays: frozenset[Place] = field(default=frozenset(), repr=False)
    overlay_max_side: int = 1_600


def picture_name(document_id: str, page: int) -> str:
    """The clean picture of a page (from 1), relative to ``index.html``.

    Args:
        document_id: 32 hex digits.
        page: from 1.
    """
    return f"pictures/{document_id}/p{page:04d}.jpg"


def thumbnail_name(document_id: str, page: int) -> str:
    """The small picture of a page (from 1), relative to ``index.html``.

    Args:
        document_id: 32 hex digits.
        page: from 1.
    """
    return f"thumbnails/{document_id}/p{page:04d}.jpg"


def thumbnail(picture: bytes, max_side: int = THUMBNAIL_SIDE) -> bytes:
    """A small JPEG of a JPEG. Equal bytes give equal bytes.

    Args:
        picture: the JPEG.
        max_side: no side is longer, in pixels, above 0.

    Raises:
        OSError: ``picture`` is no picture.
    """
    with Image.open(io.BytesIO(picture)) as image:
        # Decodes an eighth of the pixels where that is enough.
        image.draft("RGB", (2 * max_side, 2 * max_side))
        small = image.convert("RGB")
    small.thumbnail((max_side, max_side), Image.Resampling.BOX)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()
