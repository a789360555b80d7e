"""How far confidences are from the truth: bins, the expected calibration error, and their plot.

``python -m beam_kie.training.calibration.reliability REPORT --output PICTURE`` draws what
``python -m beam_kie.training.calibration --report REPORT`` measured. It needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BINS = 15
_COLOURS = {"before": "#b0563b", "after": "#2f6f9f"}
MISSING = "drawing needs matplotlib; install it with: pip install matplotlib"


@dataclass(frozen=True)
class Reliability:
    """Confidences in bins of equal width: for every bin that is not empty how many there are, their mean
    confidence and the share of them that is right."""

    counts: np.ndarray
    confidences: np.ndarray
    right: np.ndarray

    @property
    def ece(self) -> float:
        """The expected calibration error (Guo et al. 2017, arXiv 1706.04599, equation 3), in [0, 1].

        The distance between mean confidence and share of right ones, averaged over the bins by their counts.
        """
        if not len(self.counts):
            return 0.0
        return float(np.average(np.abs(self.confidences - self.right), weights=self.counts))

    @property
    def mean_confidence(self) -> float:
        """Over all of them."""
        return float(np.average(self.confidences, weights=self.counts)) if len(self.counts) else 0.0

    @property
    def share_right(self) -> float:
        """Over all of them."""
        return float(np.average(self.right, weights=self.counts)) if len(self.counts) else 0.0

    def as_dict(self) -> dict:
        """JSON: ``ece``, ``confidence``, and ``bins`` as [count, mean confidence, share of right ones]."""
        columns = (self.counts.tolist(), self.confidences.tolist(), self.right.tolist())
        bins = [[count, round(c, 4), round(r, 4)] for count, c, r in zip(*columns, strict=True)]
        return {"ece": round(self.ece, 4), "confidence": round(self.mean_confidence, 4), "bins": bins}


def reliability(confidences: np.ndarray, right: np.ndarray, bins: int = BINS) -> Reliability:
    """Findings in bins by confidence: how many, their mean confidence, and the share that is right.

    Args:
        confidences: N, in [0, 1].
        right: N bool, whether each finding is right.
        bins: their number; bin m is ]m/bins, (m+1)/bins].
    """
    place = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = counts > 0
    confidence = np.bincount(place, confidences, bins)[filled] / counts[filled]
    share = np.bincount(place, right.astype(float), bins)[filled] / counts[filled]
    return Reliability(counts[filled], confidence, share)


def draw(report: dict, path: Path) -> None:
    """The reliability plot of a calibration's report: one panel for each kind of finding and of lines.

    Points below the diagonal are overconfident; the area of a point shows how many findings it stands for.

    Args:
        report: of the calibration.
        path: of the picture; its ending says which format.

    Raises:
        ModuleNotFoundError: matplotlib is missing.
    """
    from matplotlib.figure import Figure

    groups = [group for group in report["groups"] if group["source"] is None]
    lines = list(dict.fromkeys(group["lines"] for group in groups))
    kinds = list(dict.fromkeys(group["kind"] for group in groups))
    figure = Figure(figsize=(3.3 * len(kinds), 3.4 * len(lines)), layout="constrained")
    axes = figure.subplots(len(lines), len(kinds), squeeze=False, sharex=True, sharey=True)
    for group in groups:
        panel = axes[lines.index(group["lines"])][kinds.index(group["kind"])]
        _draw_group(panel, group)
    for row in axes:
        row[0].set_ylabel("share that is right")
    for panel in axes[-1]:
        panel.set_xlabel("confidence")
    figure.savefig(path, dpi=110, metadata={"Software": None} if Path(path).suffix == ".png" else None)


def _draw_group(panel, group: dict) -> None:
    panel.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--")
    for when, colour in _COLOURS.items():
        counts, confidences, right = np.array(group[when]["bins"], dtype=float).reshape(-1, 3).T
        sizes = 12 + 240 * counts / max(counts.sum(), 1)
        label = f"{when}: ECE {group[when]['ece']:.3f}"
        panel.plot(confidences, right, color=colour, linewidth=1, alpha=0.6)
        panel.scatter(confidences, right, s=sizes, color=colour, alpha=0.75, label=label, linewidths=0)
    panel.set_title(f"{group['kind']}, {group['lines']} lines (n = {group['count']})", fontsize=9)
    panel.set_xlim(0, 1.02)
    panel.set_ylim(0, 1.02)
    panel.set_aspect("equal")
    panel.grid(color="#eeeeee")
    panel.legend(fontsize=8, loc="upper left", frameon=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Draws a report. Returns 0, or 2 after one line on stderr where something has to be changed.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser(
        "python -m beam_kie.training.calibration.reliability",
        description="Draws the report of beam_kie.training.calibration.",
        allow_abbrev=False,
    )
    parser.add_argument("report", type=Path, help="what --report of the calibration wrote")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="a .png, .svg or .pdf")
    args = parser.parse_args(argv)
    try:
        draw(json.loads(args.report.read_text("utf-8")), args.output)
    except ModuleNotFoundError:
        print(f"error: {MISSING}", file=sys.stderr)
        return 2
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {args.report}: {error!r}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
