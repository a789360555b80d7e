"""The command ``python -m beam_kie.training.penalties``: chooses the penalties of a model's decoding.

On the pages that a run held out, with the lines that OCR read there, and on the same pages in words that the
network does not know (``--unknown_words``). One penalty after the other takes the
value with the best F1 of pairs, and keeps its own unless the gain is larger than its standard error.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import model_store
from beam_kie.evaluation.arguments import Parser, UsageError
from beam_kie.evaluation.metrics import Score, pair_score
from beam_kie.evaluation.pairs import gain, text_pairs
from beam_kie.labelled.formats import LabelError
from beam_kie.labelled.gold import GoldPage
from beam_kie.labelled.sources import PictureError
from beam_kie.layoutxlm.config import Decoding
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.calibration.pages import OCR, held_out_pages
from beam_kie.training.calibration.unknown_words import in_unknown_words
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.reports.card import change_config
from beam_kie.training.reports.progress import say

CANDIDATES: dict[str, tuple[float, ...]] = {
    "switch_penalty": (0.0, 2.0, 4.0, 6.0, 8.0),
    "colon_discount": (0.0, 2.0, 4.0),
    "capitals_discount": (0.0, 2.0, 4.0),
    "join_penalty": (-1.0, 0.0, 1.0, 2.0),
    "none_penalty": (0.0, 0.5, 1.0, 2.0, 4.0),
    "page_prior_weight": (0.0, 1.0, 3.0),
    "cell_penalty": (0.0, 1.0, 3.0),
    "cell_edge_penalty": (0.0, 1.0, 2.0),
    "cell_bonus": (0.0, 1.0, 2.0),
    "joint_weight": (0.0, 0.5, 1.0),
}
"""The values that are tried, in nats, in the order in which they are chosen."""


def choose(model: KieModel, pages: Sequence[GoldPage]) -> Decoding:
    """The decoding with the best pairs; says a line on every penalty.

    Args:
        model: what decodes; its own values are where the search begins.
        pages: with lines of OCR, not learned from.
    """
    best = model.config.decoding
    scores = _page_scores(model, best, pages)
    say(f"as it is: F1 of pairs {100 * _f1(scores):.2f} on {len(pages)} pages")
    for name, values in CANDIDATES.items():
        tried = {}
        for value in values:
            other = dataclasses.replace(best, **{name: value})
            tried[value] = scores if other == best else _page_scores(model, other, pages)
        chosen = max(tried, key=lambda value: _f1(tried[value]))
        rise, error = gain(scores, tried[chosen])
        if rise > error:
            best, scores = dataclasses.replace(best, **{name: chosen}), tried[chosen]
        figures = ", ".join(f"{value:g}: {100 * _f1(each):.2f}" for value, each in tried.items())
        say(f"{name} {getattr(best, name):g} ({figures}; standard error {100 * error:.2f})")
    return best


def _page_scores(model: KieModel, decoding: Decoding, pages: Sequence[GoldPage]) -> list[Score]:
    results = model.with_config(decoding=decoding).predict([page.page for page in pages])
    return [pair_score(text_pairs(one), page.text_pairs) for one, page in zip(results, pages, strict=True)]


def _f1(scores: Sequence[Score]) -> float:
    return sum(scores, Score()).f1


def write(folder: Path, decoding: Decoding) -> None:
    """Puts the penalties into a model folder's ``config.json``, and its new checksum into the card.

    Args:
        folder: of the model.
        decoding: of which the penalties are taken.
    """
    change_config(folder, **{name: getattr(decoding, name) for name in CANDIDATES})


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr where something has to be changed.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = Parser(
        "python -m beam_kie.training.penalties",
        description="Chooses the penalties of a model's decoding on pages that it has not seen.",
        allow_abbrev=False,
    )
    parser.add_argument("--model", required=True, metavar="REF", help="a model folder")
    parser.add_argument(
        "--config", required=True, metavar="FILE", help="settings of a training run: the pages it held out"
    )
    parser.add_argument("--from_zero", action="store_true", help="begin with penalties of 0, not the model's")
    parser.add_argument(
        "--unknown_words",
        action="store_true",
        help="count every page a second time with its letters exchanged: for pages like those learned from",
    )
    parser.add_argument("--write", action="store_true", help="put them into the model's config.json")
    try:
        return _run(parser.parse_args(argv))
    except (UsageError, LabelError, PictureError, ModelError, SettingsError, OSError) as error:
        print("beam_kie.training.penalties:", *str(error).split(), file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    try:
        folder = model_store.resolve(args.model)
    except ValueError as error:
        raise UsageError(str(error)) from error
    model = KieModel.load(folder)
    if args.from_zero:
        zero = dict.fromkeys(CANDIDATES, 0.0)
        model = model.with_config(decoding=dataclasses.replace(model.config.decoding, **zero))
    found = held_out_pages(args.config, model)
    pages = [page for (_, lines), each in found.items() if lines == OCR for page in each]
    if len(pages) < 2:
        raise UsageError("the run held out fewer than two pages with lines of OCR (ocr_lines of a source)")
    if args.unknown_words:
        pages += [in_unknown_words(page, seed=0) for page in pages]
    decoding = choose(model, pages)
    if args.write:
        write(folder, decoding)
        print(f"written to {folder / 'config.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
