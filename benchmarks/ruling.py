"""How many ruled cells, boxes and rings are found on generated forms, how many of those found are any, and in
what time. Marks with a confidence below --confidence do not count.

    python benchmarks/ruling.py --count 100
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from beam_kie.forms.ruled import ruled_form
from beam_kie.imaging.marks import find_marks
from beam_kie.imaging.ruling import find_cells, find_ink
from tests.boxes import overlap

SAME_CELL, SAME_MARK = 0.7, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, help="forms of A4 at 150 dpi")
    parser.add_argument("--confidence", type=float, default=0.7)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    sums: Counter[str] = Counter()
    times = []
    for seed in range(arguments.count):
        form = ruled_form(seed)
        started = time.process_time()
        ink = find_ink(form.pixels)
        cells, marks = find_cells(ink), find_marks(ink)
        times.append(time.process_time() - started)
        marks = [mark for mark in marks if mark.confidence >= arguments.confidence]
        sums["cells"] += len(form.cells)
        sums["cells found"] += len(cells)
        sums["cells right"] += sum(any(overlap(c.box, box) > SAME_CELL for c in cells) for box in form.cells)
        sums["marks"] += len(form.marks)
        sums["marks found"] += len(marks)
        for mark in form.marks:
            same = [m for m in marks if overlap(m.box, mark.box) > SAME_MARK and m.is_ring == mark.is_ring]
            sums["marks right"] += bool(same)
            sums["states right"] += bool(same) and same[0].state == mark.state
    for kind in ("cells", "marks"):
        right = sums[f"{kind} right"]
        print(f"{kind}: {right / sums[kind]:.1%} of {sums[kind]}, of those found", end=" ")
        print(f"{right / sums[f'{kind} found']:.1%}")
    print(f"states: {sums['states right'] / sums['marks right']:.1%}")
    print(f"{statistics.median(times) * 1000:.0f} ms a page (median)")


if __name__ == "__main__":
    main()
