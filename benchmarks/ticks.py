"""How many options of generated forms are told to be ticked or not, by language.

    python benchmarks/ticks.py [--pages 4] [--languages en zh] [--kinds questionnaire application]
        [--scan light] [--dpi 150] [--seed 9000] [--verbose]

Every page is generated, printed and scanned, and read as the job reads it. What is true is known to the
generator: the options, where they stand, and which are ticked.

- found: there is a value or key of its own with ``selected`` where the option stands.
- right: of those found, ``selected`` is what it should be.
- sure and wrong: of all options, so many are wrong with a confidence of 0.8 and more.
- false: of all with ``selected``, so many stand where no option is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SURE = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=4, help="of each kind and language")
    parser.add_argument("--languages", nargs="+", default=["zh", "ja", "en", "de", "fr", "es", "pt", "it"])
    parser.add_argument("--kinds", nargs="+", default=["questionnaire", "application", "registration"])
    parser.add_argument("--scan", default="light", choices=("none", "light", "heavy"))
    parser.add_argument("--dpi", type=float, default=150)
    parser.add_argument("--seed", type=int, default=9000, help="of the first page")
    parser.add_argument("--verbose", action="store_true", help="print what is missing, wrong or false")
    arguments = parser.parse_args()
    total: Counter[str] = Counter()
    print("| language | options | found | right of those | sure and wrong | false of all told |")
    print("|---|---|---|---|---|---|")
    for language in arguments.languages:
        counts = measure(language, arguments)
        total += counts
        print(row(language, counts), flush=True)
    print(row("all", total))
    return 0


def measure(language: str, arguments: argparse.Namespace) -> Counter[str]:
    from beam_kie import read
    from beam_kie.forms import generate_form

    counts: Counter[str] = Counter()
    for kind in arguments.kinds:
        for number in range(arguments.pages):
            seed = arguments.seed + number
            form = generate_form(language, seed, kind, dpi=arguments.dpi, scan=arguments.scan)
            (page,) = read(form.image, name="page").pages
            told = [entity for entity in page.entities if entity.selected is not None]
            compare(options(form.layout), told, counts, arguments.verbose)
    return counts


def options(layout) -> list[tuple[tuple[float, float, float, float], str, bool]]:
    """Box, text and state of each option on a page."""
    from beam_kie.geometry import polygon_box
    from beam_kie.ticks.glyphs import selected_of

    found = []
    for entry in layout.entries:
        # As printed: filled rings are ticked ones here.
        state = selected_of(entry.text.replace("●", "◉"))
        if state is not None:
            found.append((polygon_box(entry.polygon), entry.text, state))
    return found


def compare(truth, told, counts: Counter[str], verbose: bool) -> None:
    left = list(told)
    for box, text, state in truth:
        counts["options"] += 1
        best = max(left, key=lambda entity: overlap(entity.box, box), default=None)
        if best is None or overlap(best.box, box) < 0.3:
            say(verbose, "missing", text)
            continue
        left.remove(best)
        counts["found"] += 1
        counts["right"] += best.selected == state
        counts["sure and wrong"] += best.selected != state and best.selected_confidence >= SURE
        if best.selected != state:
            say(verbose, f"wrong ({best.selected_confidence})", f"{text} as {best.text}")
    counts["false"] += len(left)
    counts["told"] += len(told)
    for entity in left:
        say(verbose, f"false ({entity.selected_confidence})", entity.text)


def overlap(box, other) -> float:
    """The shared area as a share of what two boxes cover together."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((each[2] - each[0]) * (each[3] - each[1]) for each in (box, other))
    return width * height / (areas - width * height)


def say(verbose: bool, what: str, text: str) -> None:
    if verbose:
        print(f"{what}: {text}", file=sys.stderr)


def row(name: str, counts: Counter[str]) -> str:
    shares = (
        counts["found"] / max(1, counts["options"]),
        counts["right"] / max(1, counts["found"]),
        counts["sure and wrong"] / max(1, counts["options"]),
        counts["false"] / max(1, counts["told"]),
    )
    return f"| {name} | {counts['options']} | {' | '.join(f'{share:.1%}' for share in shares)} |"


if __name__ == "__main__":
    sys.exit(main())
