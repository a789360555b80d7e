"""Numbers, places and times as the cells of a row: rounded to what all devices agree on."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from beam_kie.document import Entity, Polygon

CONFIDENCE_DECIMALS = 4
COORDINATE_DECIMALS = 2


def box_columns(prefix: str, polygon: Polygon | None) -> dict[str, Any]:
    """The five columns of a place.

    Args:
        prefix: of their names.
        polygon: in pixels; None: all are NULL.
    """
    x0, y0, x1, y1, corners = _NO_PLACE if polygon is None else _place(tuple(polygon))
    return {
        f"{prefix}x0": x0,
        f"{prefix}y0": y0,
        f"{prefix}x1": x1,
        f"{prefix}y1": y1,
        f"{prefix}polygon": None if corners is None else list(corners),
    }


_NO_PLACE = (None,) * 5


# The place of an entity is also that of a line, and of a key or value.
@lru_cache(maxsize=1024)
def _place(polygon: Polygon) -> tuple[float, float, float, float, tuple[float, ...]]:
    # Zero has one form: a place that equals another must be the same bytes, whichever came first.
    corners = tuple(round(float(value), COORDINATE_DECIMALS) + 0.0 for value in polygon)
    xs, ys = corners[0::2], corners[1::2]
    return min(xs), min(ys), max(xs), max(ys), corners


def confidence_cell(value: float | None) -> float | None:
    """A confidence, rounded; a value that is no number was not measured.

    Args:
        value: in [0, 1], or None.
    """
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), CONFIDENCE_DECIMALS)


def instant(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as UTC, to the microsecond.

    Args:
        seconds: since the beginning of 1970 UTC; None: not known.
    """
    if seconds is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(seconds * 1e6))


def selected_columns(entity: Entity | None) -> dict[str, Any]:
    """Whether an option is ticked, and how sure that is.

    Args:
        entity: of a page; None: there is none.
    """
    if entity is None or entity.selected is None:
        return {"selected": None, "selected_confidence": None}
    return {"selected": entity.selected, "selected_confidence": confidence_cell(entity.selected_confidence)}
