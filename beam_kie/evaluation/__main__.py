"""The command: ``beam-kie-eval --labels FILE --model REF [--images DIR] [--json]``.

Without the package installed: ``python -m beam_kie.evaluation``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import model_store
from beam_kie.evaluation.arguments import (
    Parser,
    UsageError,
    box_geometries,
    page_range,
    positive,
    regex,
    show_progress,
)
from beam_kie.evaluation.measure import Report, evaluate, no_progress
from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pairs import PairScores, read_pairs
from beam_kie.evaluation.readings import readings_table
from beam_kie.labelled.alignment import Pairing
from beam_kie.labelled.formats import LabelError, LabelledPage, read_labels
from beam_kie.labelled.gold import GoldPage, gold_pages
from beam_kie.labelled.sources import PictureError, missing_pictures, scale_warning, with_pictures
from beam_kie.layoutxlm.config import STRIPS
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.pair import KiePair, load_kie
from beam_kie.ocr import create_engine_of
from beam_kie.ocr.box_geometry import DEFAULT, GEOMETRIES
from beam_kie.program import add_version, program_name

DESCRIPTION = """
Measures a model on labelled pages. Pages are taken with the labels' own lines, whatever their label;
with --images the pictures are also read as the job reads them. All scores are micro averages.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr where something has to be changed.

    Args:
        argv: arguments; None: those of the process.
    """
    try:
        return _run(_parser().parse_args(argv))
    except (UsageError, LabelError, PictureError, ModelError) as error:
        print(f"{program_name('beam_kie.evaluation')}:", *str(error).split(), file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    labelled = _read(args)
    model = _load(args)
    gold = _select(gold_pages(labelled, model.config.head_labels, model.config.tail_labels), args)
    if args.mixed_lines:
        gold = [
            dataclasses.replace(page, page=dataclasses.replace(page.page, whole_lines=False)) for page in gold
        ]
    _check_pictures(gold, args.images)
    gold = with_pictures(gold, args.images, model.pictures)
    for note in _notes(gold, model):
        print(f"note: {note}", file=sys.stderr)
    progress = no_progress if args.quiet else show_progress
    report = evaluate(model, gold, progress)
    read: dict[str, PairScores] = {}
    if args.images:
        for name in args.box_geometries:
            read[name] = read_pairs(
                model,
                create_engine_of(name),
                gold,
                args.images,
                progress,
                Pairing(model.config.head_labels, model.config.tail_labels),
            )
        report = dataclasses.replace(report, pairs_from_image=next(iter(read.values())).total)
    if args.json:
        print(json.dumps({**report.as_dict(), "box_geometries": {k: v.as_dict() for k, v in read.items()}}))
    else:
        print("\n".join([_table(report, model), *readings_table(read)]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        program_name("python -m beam_kie.evaluation"), description=DESCRIPTION, allow_abbrev=False
    )
    add_version(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        required=True,
        metavar="FILE",
        help="PaddleOCR's label format, XFUND's JSON, or a FUNSD folder",
    )
    parser.add_argument("--model", required=True, metavar="REF", help='"bundled" or a model folder')
    parser.add_argument("--re_model", metavar="REF", help="finds the relations in place of --model")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="folder of the pictures: page sizes, and key-value pairs from the picture alone",
    )
    parser.add_argument(
        "--box_geometries",
        type=box_geometries,
        default=(DEFAULT,),
        metavar="NAMES",
        help='with --images: read the pictures in these ways, with commas between them, or in "all" of '
        f"{', '.join(GEOMETRIES)}; scores of each, their mean and spread (default: {DEFAULT})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, scores in 0..1")
    parser.add_argument("--only", type=regex, metavar="REGEX", help="only pages whose name this finds")
    parser.add_argument(
        "--pages",
        type=page_range,
        metavar="FROM:TO",
        help="only these pages of the label file, from 1, TO included; either may be left out",
    )
    parser.add_argument(
        "--mixed_lines",
        action="store_true",
        help="do not say that a labelled line is one entity or none: the model cuts and joins them as it "
        "does with what OCR reads",
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="at most N pages")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--batch_tokens", type=positive, metavar="N", help="tokens a batch may hold")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    return parser


def _read(args: argparse.Namespace) -> list[LabelledPage]:
    if not args.labels.exists():
        raise UsageError(f"--labels {args.labels}: no such file or folder")
    if args.images and not args.images.is_dir():
        raise UsageError(f"--images {args.images}: no such folder")
    return read_labels(args.labels, args.images)


def _select(gold: list[GoldPage], args: argparse.Namespace) -> list[GoldPage]:
    selected = gold[args.pages] if args.pages else gold
    if args.only:
        selected = [page for page in selected if args.only.search(page.name)]
    selected = selected[: args.limit]
    if not selected:
        raise UsageError(f"--labels {args.labels}: none of its {len(gold)} pages is selected")
    return selected


def _check_pictures(gold: list[GoldPage], folder: Path | None) -> None:
    missing = missing_pictures(gold, folder) if folder else []
    if missing:
        raise UsageError(f"--images {folder}: {len(missing)} pictures are missing, first {missing[0]}")


def _load(args: argparse.Namespace) -> KieModel | KiePair:
    options = {"max_batch_tokens": args.batch_tokens} if args.batch_tokens else {}
    try:
        folder = model_store.resolve(args.model)
        re_folder = model_store.resolve(args.re_model) if args.re_model else None
        return load_kie(folder, re_folder, device=args.device, **options)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error


def _notes(gold: list[GoldPage], model: KieModel | KiePair) -> list[str]:
    """Warnings about the labels that concern the scores."""
    notes = []
    empty = sum(gold_page.entries_without_text for gold_page in gold)
    if empty:
        notes.append(f"{empty} labelled entries have no text; they are left out, with their links")
    labels = {entity.label for gold_page in gold for entity in gold_page.entities}
    unknown = sorted(labels - set(model.labels))
    if unknown:
        notes.append(f"the model does not know these labels and cannot find them: {', '.join(unknown)}")
    if model.pictures == STRIPS and not any(gold_page.page.picture for gold_page in gold):
        notes.append("the model also reads line images: give their pictures with --images")
    warning = scale_warning(gold)
    return [*notes, warning] if warning else notes


def _table(report: Report, model: KieModel | KiePair) -> str:
    rows: list[tuple[str, Score]] = [("SER, entities", report.ser)]
    rows += [(f"  {label}", score) for label, score in report.ser_by_label.items()]
    rows += [
        ("RE, gold entities", report.re),
        ("SER as PaddleOCR measures it", report.ser_paddleocr),
        ("RE as PaddleOCR measures it", report.re_paddleocr),
        ("Key-value pairs, gold lines", report.pairs_gold_lines),
    ]
    if report.pairs_from_image is not None:
        rows.append(("Key-value pairs, from the image", report.pairs_from_image))
    head = f"{'in %':<32}{'precision':>10}{'recall':>10}{'F1':>10}{'right':>9}{'found':>9}{'gold':>9}"
    lines = [f"{report.documents} pages, model {model.name} {model.revision}, {model.device}", "", head]
    for name, score in rows:
        percent = "".join(f"{100 * value:>10.2f}" for value in score.as_dict().values())
        lines.append(f"{name:<32}{percent}{score.correct:>9}{score.predicted:>9}{score.gold:>9}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
