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
    """The lines of a page as every engine returns them: clipped, filtered and in reading order.

    Blank lines, lines without area and lines less certain than ``min_confidence`` are left out.

    Args:
        texts: of the lines.
        polygons: of the lines, in pixels: four corners in any order, flat. They come out clockwise from the
            top left and clipped to the page.
        confidences: of the lines; they are clipped to [0, 1]. None (not measured) is never left out.
        size_px: width and height of the page.
        min_confidence: the least confidence of a line that is kept, in [0, 1].
        char_spans: where the characters of the texts as given lie, blanks included; None: not known.
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
