"""The command ``python -m beam_kie.training.penalties``: chooses the penalties of a model's decoding.

On the pages that a run held out, with the lines that OCR read there, and on the same pages in words that the
network does not know (``--unknown_words``); or on the pages of all folds, each read by the run that did not
learn from it (``--folds``). One penalty after the other takes the value with the best F1 of pairs, and keeps
its own unless the gain is larger than its standard error.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import model_store
from beam_kie.evaluation.arguments import Parser, UsageError
from beam_kie.evaluation.measure import chunks
from beam_kie.evaluation.metrics import Score, pair_score
from beam_kie.evaluation.pairs import gain, text_pairs
from beam_kie.labelled.formats import LabelError
from beam_kie.labelled.gold import GoldPage
from beam_kie.labelled.sources import PictureError
from beam_kie.layoutxlm.config import Decoding
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.reading import EncodedPage
from beam_kie.training.calibration.pages import OCR, held_out_pages
from beam_kie.training.calibration.unknown_words import in_unknown_words
from beam_kie.training.folds.trained import (
    FOLDS_HELP,
    SOURCES_HELP,
    check_sources,
    fold_models,
    kept_aside,
    source_names,
)
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.reports.card import change_config
from beam_kie.training.reports.progress import say

CANDIDATES: dict[str, tuple[float, ...]] = {
    "switch_penalty": (0.0, 2.0, 4.0, 6.0, 8.0),
    "colon_discount": (0.0, 2.0, 4.0),
    "capitals_discount": (0.0, 2.0, 4.0),
    "phrase_penalty": (0.0, 2.0, 4.0),
    "join_penalty": (-1.0, 0.0, 1.0, 2.0),
    "none_penalty": (0.0, 0.5, 1.0, 2.0, 4.0),
    "page_prior_weight": (0.0, 1.0, 3.0),
    "cell_penalty": (0.0, 1.0, 3.0),
    "cell_edge_penalty": (0.0, 1.0, 2.0),
    "cell_bonus": (0.0, 1.0, 2.0),
    "joint_weight": (0.0, 0.5, 1.0),
    "second_key": (0.0, 0.2, 0.4, 0.6),
}
"""The values that are tried, in this order. All are nats; ``second_key`` is a confidence."""


@dataclass(frozen=True)
class Read:
    """Pages that a model has read, before anything is decided, and their gold."""

    model: KieModel
    encoded: Sequence[EncodedPage]
    gold: Sequence[GoldPage]

    def scores(self, decoding: Decoding) -> list[Score]:
        """Of the pairs of every page.

        Args:
            decoding: that decides.
        """
        results = self.model.with_config(decoding=decoding).decide(self.encoded)
        return [
            pair_score(text_pairs(one), page.text_pairs) for one, page in zip(results, self.gold, strict=True)
        ]


def read_by(model: KieModel, pages: Sequence[GoldPage]) -> Read:
    """Pages as a model reads them.

    Args:
        model: that has not learned from them.
        pages: with lines of OCR.
    """
    return Read(
        model, [one for chunk in chunks(pages) for one in model.encode([page.page for page in chunk])], pages
    )


def choose(read: Sequence[Read], best: Decoding) -> Decoding:
    """The decoding with the best pairs; says a line on every penalty.

    Args:
        read: pages with lines of OCR, each by a model that has not learned from it.
        best: where the search begins.
    """

    def measured(decoding: Decoding) -> list[Score]:
        return [score for each in read for score in each.scores(decoding)]

    scores = measured(best)
    say(f"as it is: F1 of pairs {100 * _f1(scores):.2f} on {len(scores)} pages")
    for name, values in CANDIDATES.items():
        tried = {}
        for value in values:
            other = dataclasses.replace(best, **{name: value})
            tried[value] = scores if other == best else measured(other)
        chosen = max(tried, key=lambda value: _f1(tried[value]))
        rise, error = gain(scores, tried[chosen])
        if rise > error:
            best, scores = dataclasses.replace(best, **{name: chosen}), tried[chosen]
        figures = ", ".join(f"{value:g}: {100 * _f1(each):.2f}" for value, each in tried.items())
        say(f"{name} {getattr(best, name):g} ({figures}; standard error {100 * error:.2f})")
    return best


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
    pages = parser.add_mutually_exclusive_group(required=True)
    pages.add_argument("--config", metavar="FILE", help="settings of a training run: the pages it held out")
    pages.add_argument("--folds", type=Path, metavar="DIR", help=FOLDS_HELP)
    parser.add_argument("--sources", type=source_names, metavar="NAMES", help=SOURCES_HELP)
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
    check_sources(args.folds, args.sources)
    try:
        folder = model_store.resolve(args.model)
    except ValueError as error:
        raise UsageError(str(error)) from error
    model = KieModel.load(folder)
    start = model.config.decoding
    if args.from_zero:
        start = dataclasses.replace(start, **dict.fromkeys(CANDIDATES, 0.0))
    read = []
    for reader, pages in _pages(args, model):
        if args.unknown_words:
            pages += [in_unknown_words(page, seed=0) for page in pages]
        read.append(read_by(reader, pages))
    if sum(len(each.gold) for each in read) < 2:
        raise UsageError(
            "there are fewer than two pages with lines of OCR (ocr_lines of a source) to choose on"
        )
    decoding = choose(read, start)
    if args.write:
        write(folder, decoding)
        print(f"written to {folder / 'config.json'}")
    return 0


def _pages(args: argparse.Namespace, model: KieModel) -> Iterator[tuple[KieModel, list[GoldPage]]]:
    """Models, and the pages that each has not learned from."""
    if not args.folds:
        found = held_out_pages(args.config, model)
        yield model, [page for (_, lines), each in found.items() if lines == OCR for page in each]
        return
    for number, (reader, sources) in enumerate(fold_models(args.folds, args.sources, model), 1):
        say(f"reading what run {number} kept aside")
        yield reader, kept_aside(sources, reader)


if __name__ == "__main__":
    sys.exit(main())
