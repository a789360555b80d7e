"""Numbers, places and times as the cells of a row: rounded to what all devices agree on."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
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
    if polygon is None:
        return {f"{prefix}{name}": None for name in ("x0", "y0", "x1", "y1", "polygon")}
    corners = [round(float(value), COORDINATE_DECIMALS) for value in polygon]
    xs, ys = corners[0::2], corners[1::2]
    edges = {"x0": min(xs), "y0": min(ys), "x1": max(xs), "y1": max(ys), "polygon": corners}
    return {f"{prefix}{name}": value for name, value in edges.items()}


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
