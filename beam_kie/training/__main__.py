"""The command: ``beam-kie-train --config FILE`` (``python -m beam_kie.training``)."""

from __future__ import annotations

import argparse
import itertools
import random
import sys

import torch
from tokenizers import Tokenizer

from beam_kie.labelled.formats import LabelError, read_labels
from beam_kie.labelled.sources import split_held_out
from beam_kie.program import add_version, program_name
from beam_kie.training.data.pages import PageSource, read_text
from beam_kie.training.data.vocabulary import train_tokenizer
from beam_kie.training.loop import Trainer
from beam_kie.training.reports.curves import draw_after_run
from beam_kie.training.settings import Settings, SettingsError

VOCABULARY_CHARACTERS = 1_000_000  # of each plain text; more takes long and changes little


def main(argv: list[str] | None = None) -> int:
    """Trains, or continues the last run of the same output folder.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser(
        program_name("python -m beam_kie.training"), description=__doc__, allow_abbrev=False
    )
    add_version(parser)
    parser.add_argument("--config", required=True, metavar="FILE", help="settings of the run, JSON")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    args = parser.parse_args(argv)
    try:
        settings = Settings.load(args.config)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        source = PageSource(settings)
        Trainer(settings, source, _tokenizer(settings), args.device).run()
        draw_after_run(settings.output)
    except (SettingsError, LabelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _tokenizer(settings: Settings) -> Tokenizer:
    if settings.tokenizer:
        return Tokenizer.from_file(settings.tokenizer)
    texts = [line for path in settings.texts for line in _sample(read_text(path), settings.seed)]
    for source in settings.sources:
        kept, _ = split_held_out(read_labels(source.labels, source.images), source.holdout)
        texts += [entry.text for page in kept for entry in page.entries]
    return train_tokenizer(texts)


def _sample(lines: list[str], seed: int) -> list[str]:
    lines = random.Random(seed).sample(lines, len(lines))
    sizes = itertools.accumulate(len(line) for line in lines)
    return [line for line, size in zip(lines, sizes, strict=True) if size <= VOCABULARY_CHARACTERS]


if __name__ == "__main__":
    sys.exit(main())
