"""The command ``python -m beam_kie.training.characters``: the model of letters of the engine ppocr.

It is made of plain text and of the printed texts of the form generator. The same text makes the same file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np

from beam_kie.ocr.ppocr.language_model.ngrams import LANGUAGES, save_characters
from beam_kie.training.characters.counting import counted, encoded, with_capitals
from beam_kie.training.characters.smoothing import model_of
from beam_kie.training.data.vocabulary import language_of_text, read_text
from beam_kie.training.line_vectors.phrases import vocabulary_lines

_LEAST = (1, 1, 1, 2, 2, 3)  # n-grams of length 1, 2, ... that occur less often are left out
_AGAIN = 10  # the printed texts of forms count so often


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the model; 0 when done, 2 where a text is missing or of no language that is known.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser("python -m beam_kie.training.characters", allow_abbrev=False)
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="the file to write, .npz")
    parser.add_argument(
        "--text",
        action="append",
        required=True,
        metavar="FILE",
        help="plain text of one language; its name begins with the language code, as de.txt.xz does. "
        "May be given several times",
    )
    parser.add_argument(
        "--characters",
        type=int,
        default=6_000_000,
        metavar="N",
        help="so many characters of every text (default: %(default)s)",
    )
    parser.add_argument(
        "--ngrams",
        type=int,
        default=1_400_000,
        metavar="N",
        help="so many n-grams of three and more characters (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    if args.characters < 1 or args.ngrams < 1:
        parser.error("--characters and --ngrams must be at least 1")
    try:
        codes = np.concatenate([_codes(file, args.characters) for file in args.text])
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    orders = model_of([counted(codes, order, least) for order, least in enumerate(_LEAST, 1)], args.ngrams)
    save_characters(args.output, orders)
    print(f"{len(codes)} characters, {sum(len(ngrams.keys) for ngrams in orders)} n-grams: {args.output}")
    return 0


def _codes(file: str, characters: int) -> np.ndarray:
    language = language_of_text(file, LANGUAGES)
    lines = read_text(file)
    ends = list(accumulate(len(line) + 1 for line in lines))
    some = [line for line, end in zip(lines, ends, strict=True) if end <= characters]
    return encoded(with_capitals([*some, *vocabulary_lines(language) * _AGAIN]))


if __name__ == "__main__":
    sys.exit(main())
