"""Figures as SVG to stand in a page: colours are the page's, text is escaped, every value has a title."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from beam_kie.report.figures import Figure, Form

WIDTH = 640
"""Width of a drawing in units of its view box."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 52
_PLOT_HEIGHT = 220
_BAR, _GAP = 22, 8
_NAME_WIDTH = 190
_MOST_LABELS, _MOST_WIDE_LABELS, _NARROW_LABEL = 6, 4, 13
_LONGEST_LABEL = 24
_TICKS = 4


def draw(figure: Figure) -> str:
    """One figure as an ``<svg>`` element.

    Args:
        figure: with at least one value.
    """
    bars = figure.form is Form.BARS
    height = _TOP + len(figure.values) * (_BAR + _GAP) if bars else _TOP + _PLOT_HEIGHT + _BOTTOM
    parts = _bars(figure) if bars else _upright(figure)
    title = escape(f"{figure.title}: {figure.unit} by {figure.label_title}")
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">' + "".join(parts) + "</svg>"


def shown(value: float) -> str:
    """A value as people read it: three digits, thousands with commas.

    Args:
        value: at least 0.
    """
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _bars(figure: Figure) -> Iterator[str]:
    most = max(figure.values) or 1.0
    room = WIDTH - _NAME_WIDTH - 90
    for number, (label, value) in enumerate(zip(figure.labels, figure.values, strict=True)):
        y = _TOP + number * (_BAR + _GAP)
        long = max(1.0, room * value / most)
        middle = y + _BAR / 2 + 4
        yield (
            f'<text class="name" x="{_NAME_WIDTH - 8}" y="{middle:.1f}">{escape(_short(label))}</text>'
            f'<rect class="bar" x="{_NAME_WIDTH}" y="{y}" width="{long:.1f}" height="{_BAR}" rx="3">'
            f"{_title(figure, label, value)}</rect>"
            f'<text x="{_NAME_WIDTH + long + 8:.1f}" y="{middle:.1f}">{shown(value)}</text>'
        )


def _upright(figure: Figure) -> Iterator[str]:
    ticks = _ticks(max(figure.values))
    top = ticks[-1]
    floor = _TOP + _PLOT_HEIGHT

    def height(value: float) -> float:
        return floor - _PLOT_HEIGHT * value / top

    for tick in ticks:
        y = height(tick)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="name" x="{_LEFT - 8}" y="{y + 4:.1f}">{shown(tick)}</text>'
    step = (WIDTH - _LEFT - _RIGHT) / len(figure.values)
    places = [_LEFT + (number + 0.5) * step for number in range(len(figure.values))]
    if figure.form is Form.LINE:
        points = " ".join(
            f"{x:.1f},{height(value):.1f}" for x, value in zip(places, figure.values, strict=True)
        )
        yield f'<polyline class="curve" points="{points}"/>'
    for x, label, value in zip(places, figure.labels, figure.values, strict=True):
        y = height(value)
        if figure.form is Form.LINE:
            radius = 3.5 if len(places) <= 60 else 1.5
            title = _title(figure, label, value)
            yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">{title}</circle>'
        else:
            yield (
                f'<rect class="bar" x="{x - step * 0.42:.1f}" y="{y:.1f}" width="{step * 0.84:.1f}" '
                f'height="{max(0.0, floor - y):.1f}">{_title(figure, label, value)}</rect>'
            )
    widest = max(map(len, figure.labels))
    every = math.ceil(len(places) / (_MOST_LABELS if widest <= _NARROW_LABEL else _MOST_WIDE_LABELS))
    for x, label in list(zip(places, figure.labels, strict=True))[::every]:
        yield f'<text class="below" x="{x:.1f}" y="{floor + 20}">{escape(_short(label))}</text>'
    middle = (WIDTH + _LEFT) / 2
    yield f'<text class="below" x="{middle:.1f}" y="{floor + 44}">{escape(figure.label_title)}</text>'


def _ticks(most: float) -> list[float]:
    """Round values from 0 to at least ``most``."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / _TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough)
    return [number * step for number in range(math.ceil(most / step - 1e-9) + 1)]


def _title(figure: Figure, label: str, value: float) -> str:
    return f"<title>{escape(f'{label}: {shown(value)} {figure.unit}')}</title>"


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
