"""The page with all figures: one file without scripts that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from beam_kie.report.figures import Figure, pages_per_second
from beam_kie.report.svg import draw, shown

_MOST_ROWS = 12
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Report of run {run}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>Run {run}</h1>
"""


def report_page(
    summary: Mapping[str, Any], figures: Sequence[Figure], earlier: Sequence[Mapping[str, Any]]
) -> str:
    """The HTML of a run's report.

    Args:
        summary: its ``summary.json``.
        figures: of ``figures_of``.
        earlier: summaries of runs before it, the oldest first.
    """
    style = resources.files("beam_kie.report").joinpath("report.css").read_text(encoding="utf-8")
    parts = [
        _HEAD.format(run=escape(str(summary.get("run_id", ""))), style=style),
        _facts(summary),
        _comparison([*earlier[-(_MOST_ROWS - 1) :], summary]),
        *map(_figure, figures),
        '<p><a href="index.html">The pages of this run</a></p>\n</main>\n</body>\n</html>\n',
    ]
    return "".join(parts)


def _facts(summary: Mapping[str, Any]) -> str:
    """What the run is, in a list of names and values."""
    provenance = summary.get("provenance") or {}
    found = {
        "began (UTC)": summary.get("started_at"),
        "ended (UTC)": summary.get("finished_at"),
        "beam-kie": summary.get("beam_kie_version"),
        "OCR": " ".join(filter(None, (provenance.get("ocr_engine"), provenance.get("ocr_revision")))),
        "model": " ".join(filter(None, (provenance.get("model"), provenance.get("model_revision")))),
    }
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in found.items()
        if value
    )
    return f"<dl>{rows}</dl>\n"


_COLUMNS = (
    "documents",
    "failed documents",
    "pages",
    "failed pages",
    "pairs per page",
    "confidence of pairs",
    "pages/s",
)


def _comparison(runs: Sequence[Mapping[str, Any]]) -> str:
    """The main numbers of the run and of those before it, the newest first."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("run", *_COLUMNS))
    rows = []
    for number, run in enumerate(reversed(runs)):
        cells = "".join(
            f"<td>{'' if value is None else escape(shown(value))}</td>" for value in _numbers(run)
        )
        mark = ' aria-current="true"' if number == 0 else ""
        rows.append(f'<tr{mark}><th scope="row">{escape(str(run.get("run_id", "")))}</th>{cells}</tr>')
    caption = "This run, and those before it under the same output" if len(runs) > 1 else "This run"
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{caption}">'
        f"<table><caption>{caption}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _numbers(run: Mapping[str, Any]) -> list[float | None]:
    documents, pages, found = (run.get(name) or {} for name in ("documents", "pages", "found"))
    ok = pages.get("ok") or 0
    return [
        documents.get("in"),
        documents.get("failure"),
        ok + (pages.get("failed") or 0) if pages else None,
        pages.get("failed"),
        found["pairs"] / ok if ok and "pairs" in found else None,
        (run.get("mean_confidence") or {}).get("pairs"),
        pages_per_second(run),
    ]


def _figure(figure: Figure) -> str:
    """A drawing with its title, its note and the same values as a table."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (figure.label_title, figure.unit))
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{shown(value)}</td></tr>'
        for label, value in zip(figure.labels, figure.values, strict=True)
    )
    note = f"<p>{escape(figure.note)}</p>" if figure.note else ""
    return (
        f'<section id="{escape(figure.name)}"><h2>{escape(figure.title)}</h2>{note}{draw(figure)}'
        f"<details><summary>Values</summary><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        "</details></section>\n"
    )
