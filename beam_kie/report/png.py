"""Figures as PNG, drawn by matplotlib."""

from __future__ import annotations

import io
from typing import Any

from beam_kie.report.figures import Figure, Form

_SIZE_INCHES = (8.0, 4.5)
_DPI = 150
_COLOUR = "#0072b2"
_MOST_LABELS = 8


def png_of(figure: Figure) -> bytes:
    """One figure as a PNG of 1200 x 675 pixels; the same numbers give the same bytes.

    Args:
        figure: with at least one value.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # of the extra "report"
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=_SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.add_subplot()
    # A "$" in a name would begin a formula.
    axes.set_title(_plain(figure.title), loc="left")
    _draw(axes, figure)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    data = io.BytesIO()
    canvas.savefig(data, format="png", dpi=_DPI, metadata={"Software": None})
    return data.getvalue()


def _draw(axes: Any, figure: Figure) -> None:
    labels = [_plain(label) for label in figure.labels]
    places = range(len(labels))
    if figure.form is Form.BARS:
        axes.barh(places, figure.values, color=_COLOUR)
        axes.set_yticks(places, labels)
        axes.invert_yaxis()
        axes.set_xlabel(_plain(figure.unit))
        return
    if figure.form is Form.LINE:
        axes.plot(places, figure.values, color=_COLOUR, marker="o", markersize=3)
    else:
        axes.bar(places, figure.values, color=_COLOUR, width=0.85)
    axes.set_ylim(bottom=0)
    every = -(-len(labels) // _MOST_LABELS)
    axes.set_xticks(list(places)[::every], labels[::every], rotation=20, ha="right")
    axes.set_xlabel(_plain(figure.label_title))
    axes.set_ylabel(_plain(figure.unit))


def _plain(text: str) -> str:
    return text.replace("$", r"\$")
