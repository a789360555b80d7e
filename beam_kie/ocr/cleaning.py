"""What every engine's raw findings go through before they are lines of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from beam_kie.document import CharSpans, TextLine
from beam_kie.geometry import clip_polygon, order_corners, polygon_area
from beam_kie.reading_order import order_lines


def clean_lines(
    texts: Iterable[str],
    polygons: Iterable[Sequence[float]],
    confidences: Iterable[float | None],
    size_px: tuple[int, int],
    min_confidence: float = 0.0,
    char_spans: Iterable[CharSpans | None] | None = None,
) -> tuple[TextLine, ...]:
    """Lines of a page of that width and height, in reading order.

    Polygons have four corners in any order; they come out clockwise from the top left, on the page.
    Confidences are clipped to [0, 1]. Blank lines, lines without area and lines less certain than
    ``min_confidence`` are left out; None (not measured) is certain enough.
    ``char_spans`` are those of the texts as given, blanks included.
    """
    width, height = size_px
    lines = []
    texts = list(texts)
    char_spans = [None] * len(texts) if char_spans is None else char_spans
    for raw, polygon, confidence, spans in zip(texts, polygons, confidences, char_spans, strict=True):
        text = raw.strip()
        if confidence is not None:
            confidence = min(max(float(confidence), 0.0), 1.0)
            if not confidence >= min_confidence:
                continue
        polygon = clip_polygon(order_corners(polygon), width, height)
        if text and polygon_area(polygon) > 0:
            start = len(raw) - len(raw.lstrip())
            spans = spans[start : start + len(text)] if spans else None
            lines.append(TextLine(text, polygon, confidence, spans))
    return order_lines(lines)
