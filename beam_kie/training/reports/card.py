"""The command ``python -m beam_kie.training.reports.card``: the ``model_card.md`` of a model folder.

Sizes and checksums come from the folder, figures from what the evaluation, the calibration and the benchmark
print as JSON, data and licences from ``provenance.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from beam_kie.layoutxlm.config import STRIPS, Calibration, ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.folders import MODEL_FILES, WEIGHTS_FILE
from beam_kie.training.reports.provenance import PROVENANCE, Provenance, read

MODEL_CARD = "model_card.md"
CALIBRATION_REPORT = "calibration.json"
CHECKSUMS = "## SHA-256 of this model"  # ``python -m model_store verify`` reads what stands below it


class CardError(ValueError):
    """No card can be written; the message says why."""


_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial|forbids\s+commercial", re.IGNORECASE)

_TEXT_ONLY = (
    "It reads text and boxes, not the picture: check boxes, stamps and signatures mean nothing to it."
)
_LINE_IMAGES = (
    "It sees lines of text and what stands just before them, a box to tick, but no stamp, signature or rule."
)
_LIMITS = (
    "HEADER is the weakest label; text that is neither key nor value is now and then taken for one of them.",
    "What OCR runs together or cuts in two is told apart or joined again only part of the time.",
)


_BOUND = """
These weights follow what they were made of. The code that made them is Apache-2.0: train on forms of your
own, or on generated ones alone, for weights that are yours.
"""
_MEANS = """
`python -m beam_kie.evaluation --labels FILE --images DIR --model FOLDER --only REGEX` makes them. SER:
entities, exact spans and labels, gold lines, of which the model knows that each is one entity or none
(`--mixed_lines`: it does not). RE: gold entities given. Pairs: keys and values as found, both texts right, on
gold lines; from the picture: everything, the job's own OCR included. As PaddleOCR measures: SER and RE of a
page's first 512 tokens.
"""
_WHAT_IS_RIGHT = """
Each half of the pages was measured with what was fitted on the other half. An entity is right when its
label and its characters are the gold's, a relation when key, value and their link are. OCR lines are those
that the job's OCR reads.
"""
_AGAIN = "`docs/training.md` says what it takes, and how to go on from these weights with labels of your own."


@dataclass(frozen=True)
class Facts:
    """What a card is written from, beside the model's folder.

    ``scores``: by the name of a set of pages, what ``python -m beam_kie.evaluation --json`` printed.
    ``calibration``: the file of ``--report``; ``speed``: ``benchmarks/model.py --json``. ``made``: paragraphs
    on how this very model was made.
    """

    scores: Mapping[str, dict] = field(default_factory=dict)
    languages: str | None = None
    config: str | None = None
    calibration: dict | None = None
    speed: dict | None = None
    made: str | None = None


def card(folder: Path, facts: Facts) -> str:
    """The card of a model folder, Markdown.

    Args:
        folder: of the model.
        facts: that the folder does not hold.

    Raises:
        CardError: the folder is no model, or the facts do not fit it.
    """
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise CardError(f"{folder} is not a model folder: it lacks {', '.join(missing)}")
    made_of = read(folder)
    if made_of is None:
        raise CardError(
            f"{folder}: has no {PROVENANCE}, so that its data and licence are not known; training, averages "
            "and ensembles write it"
        )
    try:
        config = LayoutXLMConfig.load(folder / "config.json")
        sections = [
            _what(folder, config, facts, made_of),
            _licence(made_of),
            _numbers(facts.scores) if facts.scores else "",
            _confidences(facts.calibration) if facts.calibration else "",
            _limits(config, made_of),
            _again(facts, made_of),
            _checksums(folder),
        ]
    except (ConfigError, SafetensorError) as error:
        raise CardError(str(error)) from error
    except (KeyError, TypeError) as error:
        raise CardError(f"the figures are not those of this project's commands: {error!r}") from error
    return "\n\n".join(section for section in sections if section) + "\n"


def _what(folder: Path, config: LayoutXLMConfig, facts: Facts, made_of: Provenance) -> str:
    labels = ", ".join(config.labels)
    pairs = f"{', '.join(config.head_labels)} to {', '.join(config.tail_labels)}"
    size = (folder / WEIGHTS_FILE).stat().st_size / 1e6
    parameters, types = _weights(folder / WEIGHTS_FILE)
    members = config.ensemble_size
    of_several = "" if members == 1 else f"{members} networks whose scores' mean counts, each like "
    heads, pieces = config.architecture.num_attention_heads, f"{config.architecture.vocab_size:,} pieces"
    network = (
        f"{of_several}LayoutXLM's, small: hidden size {config.architecture.hidden_size}, "
        f"{config.architecture.num_hidden_layers} layers, {heads} heads, {pieces}, "
        f"{parameters / 1e6:.1f} M parameters{' in all' * (members > 1)}, {types}, {size:.0f} MB"
    )
    rows = [("network", network)]
    if facts.languages:
        rows.append(("languages", facts.languages))
    rows.append(("made of", "; ".join(each.text for each in made_of.data)))
    if facts.speed:
        rows.append(("speed", _speed(facts.speed)))
    reads = " It does not use the picture." if config.pictures is None else ""
    if config.pictures == STRIPS:
        reads = " Where a page comes with its picture, it reads the images of these lines too."
    task = (
        f"Semantic entity recognition ({labels}) and relation extraction ({pairs}), jointly, from the text "
        f"lines of a page and where they stand.{reads}"
    )
    table = ["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)]
    parts = [f"# {config.name}", _wrapped(task), "\n".join(table), facts.made.strip() if facts.made else ""]
    return "\n\n".join(part for part in parts if part)


def _weights(path: Path) -> tuple[int, str]:
    """How many numbers a weights file holds, and of which types."""
    count = 0
    types: dict[str, int] = {}
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 (not a dict)
            part = file.get_slice(name)
            size = math.prod(part.get_shape())
            count += size
            types[part.get_dtype()] = types.get(part.get_dtype(), 0) + size
    names = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "I8": "int8"}
    return count, " and ".join(
        names.get(kind, kind) for kind in sorted(types, key=types.__getitem__, reverse=True)
    )


def _speed(speed: dict) -> str:
    parts = [f"{row['ms_per_page']} ms ({row['dtype']}, {row['pages']} at once)" for row in speed["speed"]]
    return (
        f"a page of {speed['lines']:.0f} lines, {speed['device']}, {speed['threads']} threads: "
        + ", ".join(parts)
    )


def _licence(made_of: Provenance) -> str:
    if made_of.licences:
        no_sale = any(_NON_COMMERCIAL.search(licence) for licence in made_of.licences)
        parts = [f"{each.text}: {each.licence.rstrip('.')}." for each in made_of.data if each.licence]
        text = f"{'**Non-commercial.** ' * no_sale}{' '.join(dict.fromkeys(parts))} {_BOUND}"
    elif made_of.own:
        text = (
            "Whatever the owner of the labelled pages allows; nothing else that it was trained on binds it."
        )
    else:
        text = "Apache-2.0, as the code, commercial use included: nothing that it was trained on forbids it."
    return f"## Licence\n\n{_wrapped(text)}"


def _numbers(scores: Mapping[str, dict]) -> str:
    head = (
        "pages",
        "number",
        "SER",
        "RE",
        "pairs, gold lines",
        "pairs, from the picture",
        "as PaddleOCR measures",
    )
    lines = [_row(head), _row(["---"] * len(head))]
    for name, report in scores.items():
        columns = [_percent(report[part]) for part in ("ser", "re", "pairs_gold_lines", "pairs_from_image")]
        paddle = f"{_percent(report['ser_paddleocr'])}, {_percent(report['re_paddleocr'])}"
        lines.append(_row([name, str(report["documents"]), *columns, paddle]))
    first = "F1 in %, micro averages, on pages that it was not trained on:"
    return "\n\n".join(["## Numbers", first, "\n".join(lines), _wrapped(_MEANS)])


def _percent(score: dict | None) -> str:
    return "" if score is None else f"{100 * score['f1']:.1f}"


def _confidences(report: dict) -> str:
    lines = [_row(["what", "lines", "number", "right, %", "before", "after"]), _row(["---"] * 6)]
    for group in report["groups"]:
        if group["source"] is None:
            cells = [group["kind"], group["lines"], str(group["count"]), f"{100 * group['right']:.1f}"]
            lines.append(_row(cells + [f"{group[when]['ece']:.3f}" for when in ("before", "after")]))
    return "\n\n".join(
        [
            "## Confidences",
            _wrapped(f"Expected calibration error, bins: {report['bins']}. {_WHAT_IS_RIGHT}"),
            "\n".join(lines),
        ]
    )


def _limits(config: LayoutXLMConfig, made_of: Provenance) -> str:
    sight = {None: [_TEXT_ONLY], STRIPS: [_LINE_IMAGES]}
    limits = [*sight.get(config.pictures, []), *_LIMITS]
    if made_of.own or made_of.licences:
        limits.append(
            "Few pages were held out, and they chose between checkpoints: expect a little less elsewhere."
        )
    else:
        limits.append("It has seen no real form: expect it to be weaker on forms unlike the generator's.")
    if config.calibration == Calibration():
        limits.append("Confidences are not calibrated.")
    return "\n".join(["## Limits", "", *(f"- {limit}" for limit in limits)])


def _again(facts: Facts, made_of: Provenance) -> str:
    config = facts.config or made_of.settings or "SETTINGS.json"
    text = f"`python -m beam_kie.training --config {config}`; {_AGAIN}"
    return f"## How to train it again\n\n{_wrapped(text)}"


def _checksums(folder: Path) -> str:
    made = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != MODEL_CARD]
    sums = [f"    {hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in made]
    return "\n".join([CHECKSUMS, "", *sums])


def change_config(folder: Path, **fields: Any) -> None:
    """Changes fields of a model folder's ``config.json``, and their checksum in its card, if it has one.

    Args:
        folder: of the model.
        **fields: as they are called in the file.

    Raises:
        ConfigError: the file cannot be read, or the fields do not go together.
    """
    path, card_file = folder / "config.json", folder / MODEL_CARD
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    LayoutXLMConfig.load(path).with_fields(**fields).save(path)
    if card_file.is_file():
        new = hashlib.sha256(path.read_bytes()).hexdigest()
        card_file.write_text(card_file.read_text("utf-8").replace(old, new), "utf-8")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Writes a card. Returns 0, or 2 after one line on stderr; the old card then stays.

    Args:
        argv: arguments; None: those of the process.
    """
    args = _parser().parse_args(argv)
    try:
        facts = Facts(
            scores=dict(_scores(text) for text in args.scores),
            languages=args.languages,
            config=args.config,
            calibration=_calibration(args),
            speed=_json(args.speed) if args.speed else None,
            made=args.made.read_text("utf-8") if args.made else None,
        )
        text = card(args.model, facts)
    except (CardError, OSError) as error:
        print("error:", *str(error).split(), file=sys.stderr)
        return 2
    (args.model / MODEL_CARD).write_text(text, "utf-8")
    print(args.model / MODEL_CARD)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m beam_kie.training.reports.card", description="Writes a model's card.", allow_abbrev=False
    )
    parser.add_argument("--model", type=Path, required=True, metavar="FOLDER", help="where the card goes")
    parser.add_argument(
        "--scores",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="figures of python -m beam_kie.evaluation --json on pages of that name; may come several times",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help=f"what --report of the calibration wrote; default: {CALIBRATION_REPORT} of the model",
    )
    parser.add_argument("--speed", type=Path, metavar="FILE", help="what benchmarks/model.py --json printed")
    parser.add_argument("--languages", metavar="TEXT", help="what the card says of languages")
    parser.add_argument("--made", type=Path, metavar="FILE", help="Markdown: how this very model was made")
    parser.add_argument("--config", metavar="FILE", help="settings that make the model again")
    return parser


def _scores(text: str) -> tuple[str, dict]:
    name, _, path = text.rpartition("=")
    if not name:
        raise CardError(f"--scores {text}: write NAME=FILE")
    return name, _json(Path(path))


def _calibration(args: argparse.Namespace) -> dict | None:
    """The report that the calibration wrote into the folder, or the one that is named."""
    path = args.calibration or args.model / CALIBRATION_REPORT
    return _json(path) if args.calibration or path.is_file() else None


def _json(path: Path) -> dict:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise CardError(f"{path}: not JSON: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
