"""The command ``python -m beam_kie.training.reports.curves``: how losses and measurements went, as a picture.

Draws what ``log.jsonl`` of one or more runs holds: numbers are losses, and every measurement has the F1 of
each held-out source. Needs matplotlib, which comes with the extra ``train``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOG_FILE = "log.jsonl"
PICTURE_FILE = "curves.png"
NOT_LOSSES = frozenset({"step", "seconds"})
NAMES = {
    "ser": "entities (SER), F1",
    "re": "relations of gold entities (RE), F1",
    "pairs": "pairs on gold lines, F1",
    "pairs_read": "pairs on lines read by OCR, F1",
}
LINES = ("-", "--", ":", "-.")

Curve = dict[int, float]
"""Step -> value."""


class CurvesError(ValueError):
    """No curves can be drawn; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Of one run: ``losses`` by name, ``measured`` by measure ("ser", "re", ...) and then by source."""

    losses: dict[str, Curve] = field(default_factory=dict)
    measured: dict[str, dict[str, Curve]] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> int:
    """Draws the curves of the runs; 0 when done, 2 for what cannot be drawn.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser("python -m beam_kie.training.reports.curves", allow_abbrev=False)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN_FOLDER", help="output folders of runs")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help="picture: .png, .svg, .pdf"
    )
    args = parser.parse_args(argv)
    try:
        draw(dict(zip(_names(args.runs), map(read_log, args.runs), strict=True)), args.output)
    except (CurvesError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def draw_after_run(folder: str | Path) -> None:
    """Draws a run's curves into its folder, if matplotlib is installed; an error is only a warning.

    Args:
        folder: of the run.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return
    try:
        draw({Path(folder).resolve().name: read_log(folder)}, Path(folder) / PICTURE_FILE)
    except (CurvesError, OSError) as error:
        print(f"warning: the run is complete, but its curves are not drawn: {error}", file=sys.stderr)


def read_log(folder: str | Path) -> Curves:
    """The curves of a run's log.

    A run that was interrupted repeats some steps when it continues: what it logged last counts. An unfinished
    last line is ignored.

    Args:
        folder: of the run.

    Raises:
        CurvesError: there is no log, or it cannot be read.
    """
    path = Path(folder) / LOG_FILE
    if not path.is_file():
        raise CurvesError(f"{folder}: no {LOG_FILE} in it: name the output folder of a training run")
    curves = Curves()
    for number, line in enumerate(path.read_text("utf-8").splitlines(keepends=True), 1):
        if line.strip() and line.endswith("\n"):
            try:
                _add(curves, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise CurvesError(f"{path}:{number}: not a line of a training log: {error!r}") from error
    if not curves.losses and not curves.measured:
        raise CurvesError(f"{path}: nothing logged yet: the first losses are logged after 50 steps")
    return curves


def _add(curves: Curves, record: Mapping) -> None:
    step = int(record["step"])
    for name, value in record.items():
        if isinstance(value, Mapping):
            for measure, score in value.items():
                if isinstance(score, int | float):
                    curves.measured.setdefault(measure, {}).setdefault(name, {})[step] = float(score)
        elif name not in NOT_LOSSES:
            curves.losses.setdefault(name, {})[step] = float(value)


def draw(runs: Mapping[str, Curves], path: str | Path) -> None:
    """Writes a picture: a panel for the losses and one for every measure, a line style for every run.

    Args:
        runs: curves by name.
        path: of the picture; its ending says which format.

    Raises:
        CurvesError: matplotlib is missing, or does not know the format.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise CurvesError(
            "curves are drawn with matplotlib (in the extra train): pip install matplotlib"
        ) from error
    measures = list(dict.fromkeys(measure for curves in runs.values() for measure in curves.measured))
    columns = 2 if measures else 1
    rows = (1 + len(measures) + 1) // 2 if measures else 1
    figure = Figure(figsize=(6.5 * columns, 3.8 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    _panel(panels[0], "losses", {run: curves.losses for run, curves in runs.items()})
    panels[0].set_yscale("log")
    for panel, measure in zip(panels[1:], measures, strict=False):
        lines = {run: curves.measured.get(measure, {}) for run, curves in runs.items()}
        _panel(panel, NAMES.get(measure, measure), lines)
    for panel in panels[1 + len(measures) :]:
        panel.set_visible(False)
    try:
        figure.savefig(path, dpi=110)
    except ValueError as error:
        raise CurvesError(f"{path}: {error}") from error


def _panel(panel, title: str, runs: Mapping[str, Mapping[str, Curve]]) -> None:
    """Lines by run and name: every name has its colour, every run its style."""
    names = list(dict.fromkeys(name for curves in runs.values() for name in curves))
    colours = {name: f"C{number % 10}" for number, name in enumerate(names)}
    styles = {run: LINES[number % len(LINES)] for number, run in enumerate(runs)}
    for run, curves in runs.items():
        for name, curve in curves.items():
            steps = sorted(curve)
            # What was measured once makes no line.
            marker = "o" if len(steps) == 1 else None
            values = [curve[step] for step in steps]
            panel.plot(steps, values, styles[run], color=colours[name], marker=marker, linewidth=1.2)
    for name, colour in colours.items():
        panel.plot([], [], color=colour, label=name)
    for run, style in styles.items() if len(runs) > 1 else ():
        panel.plot([], [], style, color="black", label=run)
    panel.set_title(title)
    panel.set_xlabel("step")
    panel.grid(alpha=0.3)
    if names:
        panel.legend(fontsize=7)


def _names(folders: Sequence[Path]) -> list[str]:
    """What the folders are called, whole paths where two have the same name."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


if __name__ == "__main__":
    sys.exit(main())
