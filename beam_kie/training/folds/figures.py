"""Figures over all pages of all folds, their standard errors, and differences of two results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from beam_kie.training.folds.measuring import FIGURES, Counts

_DRAWS = 1_000

Pages = Mapping[str, Counts]
"""The counts of a source's pages by the name of the page."""


@dataclass(frozen=True)
class Figure:
    """F1 in % over all pages: the mean over the readings. ``standard_error``: of pages drawn again with
    replacement (bootstrap, Efron 1979). ``spread``: largest minus smallest of the readings."""

    f1: float
    standard_error: float
    spread: float
    readings: dict[str, float]

    def as_dict(self) -> dict:
        """As ``folds.json`` has it."""
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """The F1 of one result minus that of another on the same pages and readings, in %.

    ``standard_error``: of pages drawn again with replacement, the same ones for both results."""

    difference: float
    standard_error: float
    pages: int

    @property
    def is_one(self) -> bool:
        """Whether it is larger than its standard error: smaller ones are none."""
        return abs(self.difference) > self.standard_error


def figures(pages: Pages) -> dict[str, Figure]:
    """The figures of a source, by name.

    Args:
        pages: its pages.
    """
    found = {}
    for name in FIGURES:
        readings = _readings(pages.values(), name)
        if not readings:
            continue
        counts = _table(pages, list(pages), name, readings)
        f1 = _f1(counts.sum(0))
        found[name] = Figure(
            float(f1.mean()),
            float(_f1(_drawn(counts)).mean(-1).std()),
            float(f1.max() - f1.min()),
            dict(zip(readings, f1.tolist(), strict=True)),
        )
    return found


def differences(before: Pages, after: Pages) -> dict[str, Difference]:
    """What differs between two results of a source, by figure, on the pages and readings that both have.

    Args:
        before: the pages of one.
        after: those of the other.
    """
    common = [page for page in after if page in before]
    found = {}
    for name in FIGURES if common else ():
        both = [_readings((pages[page] for page in common), name) for pages in (before, after)]
        readings = [reading for reading in both[1] if reading in both[0]]
        if not readings:
            continue
        old, new = (_table(pages, common, name, readings) for pages in (before, after))
        drawn = _f1(_drawn(new)).mean(-1) - _f1(_drawn(old)).mean(-1)
        difference = float(_f1(new.sum(0)).mean() - _f1(old.sum(0)).mean())
        found[name] = Difference(difference, float(drawn.std()), len(common))
    return found


def figures_table(of_source: Mapping[str, Mapping[str, Figure]], pages: Mapping[str, int]) -> list[str]:
    """Figures as lines of text.

    Args:
        of_source: figures of every source.
        pages: how many it has.
    """
    lines = []
    for source, its in of_source.items():
        lines += [
            "",
            f"{source}, {pages[source]} pages; F1 in %",
            f"{'':<30}{'mean':>8}{'+-':>8}{'spread':>8}",
        ]
        for name, figure in its.items():
            several = len(figure.readings) > 1
            spread = f"{figure.spread:>8.2f}" if several else ""
            each = "  ".join(f"{reading} {f1:.1f}" for reading, f1 in figure.readings.items())
            lines.append(
                f"{FIGURES[name]:<30}{figure.f1:>8.2f}{figure.standard_error:>8.2f}{spread}"
                + (f"   {each}" if several else "")
            )
    return lines


def differences_table(of_source: Mapping[str, Mapping[str, Difference]], against: str) -> list[str]:
    """Differences as lines of text.

    Args:
        of_source: differences of every source.
        against: what the other result is called.
    """
    lines = ["", f"difference to {against}, F1 in %; one that is not larger than its standard error is none"]
    for source, its in of_source.items():
        pages = next((each.pages for each in its.values()), 0)
        lines += ["", f"{source}, {pages} pages", f"{'':<30}{'change':>8}{'+-':>8}"]
        for name, each in its.items():
            verdict = ("gain" if each.difference > 0 else "loss") if each.is_one else "none"
            lines.append(
                f"{FIGURES[name]:<30}{each.difference:>+8.2f}{each.standard_error:>8.2f}   {verdict}"
            )
    return lines


def _readings(pages: Iterable[Counts], figure: str) -> list[str]:
    return list(dict.fromkeys(reading for page in pages for reading in page.get(figure, {})))


def _table(pages: Pages, names: Sequence[str], figure: str, readings: Sequence[str]) -> np.ndarray:
    """Pages x readings x 2: twice the right ones, and what was found and labelled together."""
    nothing = [0, 0, 0]
    counts = np.array(
        [[pages[name].get(figure, {}).get(each, nothing) for each in readings] for name in names]
    )
    return np.stack([2 * counts[..., 0], counts[..., 1] + counts[..., 2]], axis=-1)


def _drawn(counts: np.ndarray) -> np.ndarray:
    """Draws x readings x 2: the sums of pages drawn again, the same ones for equal numbers of pages."""
    size = len(counts)
    drawn = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), _DRAWS)
    return np.einsum("dp,prc->drc", drawn, counts)


def _f1(sums: np.ndarray) -> np.ndarray:
    return 100 * sums[..., 0] / np.maximum(sums[..., 1], 1)
