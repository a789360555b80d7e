"""How pages are read that lie on a side, askew, are long, or are written in columns.

Pages of ``beam_kie.forms.poses``, whose lines and pairs are known. Printed for every kind: how many pages
stand upright as they should; how many of their lines are read exactly (blanks aside), how many lines are no
line of the page; how many pairs are found, and how many of those found are right.

    python benchmarks/poses.py --count 100 --kinds turned tilted columns long
"""

from __future__ import annotations

import argparse
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from beam_kie.document import PageImage, PageResult
from beam_kie.forms import poses
from beam_kie.forms.poses import PosedPage
from beam_kie.imaging.decode import upright
from beam_kie.layoutxlm.inputs.images import with_picture
from beam_kie.layoutxlm.model import KieModel
from beam_kie.ocr import OcrOptions, create_engine
from model_store.references import bundled

KINDS = ("upright", "turned", "tilted", "columns", "long")


@dataclass
class Tally:
    """Sums over pages of one kind."""

    pages: int = 0
    upright: int = 0
    lines: int = 0
    read: int = 0
    false: int = 0
    pairs: int = 0
    found: int = 0
    right: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.pages:5} pages  upright {self.upright / self.pages:6.1%}  "
            f"lines {self.read / max(self.lines, 1):6.1%} of {self.lines}, {self.false} others  "
            f"pairs {self.right / max(self.pairs, 1):6.1%} of {self.pairs}, "
            f"{self.right / max(self.found, 1):6.1%} of those found  "
            f"{self.seconds / self.pages:.2f} CPU s a page"
        )


def pages_of(kind: str, count: int, degrees: float | None = None) -> Iterator[PosedPage]:
    """Pages of one kind; ``degrees``: how far tilted ones are askew, None: up to 15 either way."""
    for seed in range(count):
        rng = np.random.default_rng([seed, 15])
        if kind == "columns":
            yield poses.column_page(seed, ("ja", "zh")[seed % 2])
        elif kind == "long":
            yield poses.receipt(seed)
        elif kind == "turned":
            yield poses.turned(poses.plain_form(seed), (90, 180, 270)[seed % 3])
        elif kind == "tilted":
            skew = float(rng.uniform(-15, 15)) if degrees is None else degrees
            yield poses.tilted(poses.plain_form(seed), skew, 0.03 * float(rng.random()), seed)
        else:
            yield poses.plain_form(seed)


def measure(kind: str, count: int, engine, model: KieModel) -> Tally:
    """Read ``count`` pages of a kind."""
    tally = Tally()
    for page in pages_of(kind, count):
        started = time.process_time()
        (text,) = engine.read([PageImage("document", "page.png", 1, page.pixels)])
        tally.seconds += time.process_time() - started
        tally.pages += 1
        tally.upright += text.rotation_deg == page.rotation_deg
        _count(
            tally,
            Counter(_plain(line.text) for line in text.lines),
            Counter(_plain(t) for t, _ in page.lines),
        )
        if page.pairs:
            pictured = with_picture(text, upright(page.pixels, text.rotation_deg), model.pictures or "hf")
            found = Counter(_pairs(model.predict([pictured])[0]))
            gold = Counter((_plain(key), _plain(value)) for key, value in page.pairs)
            tally.pairs += sum(gold.values())
            tally.found += sum(found.values())
            tally.right += sum((gold & found).values())
    return tally


def _count(tally: Tally, read: Counter[str], gold: Counter[str]) -> None:
    tally.lines += sum(gold.values())
    tally.read += sum((gold & read).values())
    tally.false += sum((read - gold).values())


def _pairs(result: PageResult) -> Iterator[tuple[str, str]]:
    for relation in result.relations:
        yield _plain(result.entities[relation.head].text), _plain(result.entities[relation.tail].text)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def main() -> None:
    """Parse the arguments, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, help="pages of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--engines", nargs="+", default=["rapidocr"], help="rapidocr, ppocr")
    arguments = parser.parse_args()
    model = KieModel.load(bundled()["bundled"], device="cpu")
    for name in arguments.engines:
        engine = create_engine(OcrOptions(engine=name, device="cpu", threads=1))
        for kind in arguments.kinds:
            print(f"{name:9} {kind:8}", measure(kind, arguments.count, engine, model), flush=True)


if __name__ == "__main__":
    main()
