"""The command ``python -m beam_kie.training.line_vectors``: what two text encoders say of short texts.

The texts are all printed texts of the form generator, and phrases out of files of plain text. A training run
names the file as ``line_vectors``, and its network learns to give its lines these vectors.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from beam_kie.forms import LANGUAGES
from beam_kie.training.data.vocabulary import language_of_text, read_text
from beam_kie.training.line_vectors.e5 import E5, EncoderError
from beam_kie.training.line_vectors.files import joined
from beam_kie.training.line_vectors.phrases import phrases, vocabulary_lines
from beam_kie.training.line_vectors.use import UniversalSentenceEncoder

ENCODERS = {"e5": E5, "use": UniversalSentenceEncoder}
_AT_ONCE = 2048


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the file; 0 when done, 2 where something is missing.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser("python -m beam_kie.training.line_vectors", allow_abbrev=False)
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="the file to write, .npz")
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="FILE",
        help="plain text of one language; its name begins with the language code, as zh.txt.xz does. "
        "May be given several times",
    )
    parser.add_argument(
        "--phrases", type=int, default=7000, metavar="N", help="phrases of every text (default: %(default)s)"
    )
    parser.add_argument(
        "--encoders",
        default=",".join(ENCODERS),
        metavar="NAMES",
        help=f"which ones, comma-separated, of {', '.join(ENCODERS)} (default: all)",
    )
    parser.add_argument("--seed", type=int, default=0, help="other seeds cut other phrases (default: 0)")
    args = parser.parse_args(argv)
    names = args.encoders.split(",")
    if wrong := [name for name in names if name not in ENCODERS]:
        parser.error(f"--encoders: {wrong[0]!r} is none of {', '.join(ENCODERS)}")
    if args.phrases < 0:
        parser.error(f"--phrases must not be negative: {args.phrases}")
    try:
        texts = _texts(args.text, args.phrases, random.Random(args.seed))
        parts = [_encoded(name, list(texts)) for name in names]
        joined(texts, parts).save(args.output)
    except (EncoderError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(texts)} texts, vectors of {', '.join(names)}: {args.output}")
    return 0


def _texts(files: Sequence[str], count: int, rng: random.Random) -> dict[str, str]:
    """The texts with their languages; a text of several languages counts for the first of them."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        for text in vocabulary_lines(language):
            found.setdefault(text, language)
    for file in files:
        language = language_of_text(file, LANGUAGES)
        for text in phrases(read_text(file), language, count, rng):
            found.setdefault(text, language)
    return found


def _encoded(name: str, texts: list[str]) -> np.ndarray:
    encoder = ENCODERS[name]()
    parts = [
        encoder.encode(texts[start : start + _AT_ONCE])
        for start in tqdm(range(0, len(texts), _AT_ONCE), desc=name, unit=f"x{_AT_ONCE} texts")
    ]
    return np.concatenate(parts)


if __name__ == "__main__":
    sys.exit(main())
