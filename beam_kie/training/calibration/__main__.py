"""Calibrates confidences: ``python -m beam_kie.training.calibration --model FOLDER --config FILE
[--write]``.

Measures a model's confidences on labelled pages that it was not trained on, and fits a calibration. Every
figure "after" is cross-validated: each half of the pages is measured with the calibration fitted on the other
half. What is written into the model is fitted on all pages. With ``--folds`` these are all labelled pages,
each read by the run that did not learn from it, and the calibration is for a model that learned from all.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import model_store
from beam_kie.evaluation.arguments import Parser, UsageError, page_range, regex, show_progress
from beam_kie.evaluation.measure import no_progress
from beam_kie.labelled.formats import LabelError
from beam_kie.labelled.sources import LabelledSource, PictureError
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.calibration import reliability
from beam_kie.training.calibration.confidences import (
    PageConfidences,
    measure_confidences,
)
from beam_kie.training.calibration.fitting import (
    TEMPERATURE,
    TEMPERATURES,
    FittedCalibration,
    choose_ways,
    crosswise,
    fit,
    joined,
)
from beam_kie.training.calibration.pages import Pages, held_out_pages, pages_of
from beam_kie.training.calibration.unknown_words import in_unknown_words
from beam_kie.training.folds.trained import FOLDS_HELP, SOURCES_HELP, check_sources, fold_models, source_names
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.reports.card import CALIBRATION_REPORT, change_config

KINDS = ("entities", "relations", "relations of gold entities")
FEWEST_PAGES = 10
"""On fewer held-out pages a fit says little: nearly all confidences become 0.99 to 1.00, right or wrong."""


def make_report(
    pages: Sequence[PageConfidences], ways: tuple[str, str], present: FittedCalibration
) -> list[dict]:
    """Reliability by kind of finding, lines and source (None: all).

    "before": without a calibration; "now": with the present one; "temperature": with a new temperature alone;
    "after": with new tables.

    Args:
        pages: measured confidences.
        ways: of calibrating entities and relations.
        present: the calibration that the model has.
    """
    readings = {
        "before": [(page, FittedCalibration()) for page in pages],
        "now": [(page, present) for page in pages],
        "temperature": crosswise(pages, TEMPERATURE, TEMPERATURE),
        "after": crosswise(pages, *ways, present),
    }
    sources = list(dict.fromkeys(page.source for page in pages))
    groups = []
    for kind in KINDS:
        for lines in dict.fromkeys(page.lines for page in pages):
            for source in [None, *(sources if len(sources) > 1 else [])]:
                chosen = [page.lines == lines and (source is None or page.source == source) for page in pages]
                if any(chosen):
                    measured = {when: _reliability(kind, each, chosen) for when, each in readings.items()}
                    groups.append(_group(kind, lines, source, measured))
    return groups


def _reliability(
    kind: str, pairs: list[tuple[PageConfidences, FittedCalibration]], chosen: list[bool]
) -> reliability.Reliability:
    pairs = [pair for pair, wanted in zip(pairs, chosen, strict=True) if wanted]
    if kind == KINDS[0]:
        found, right = [c.entities(p) for p, c in pairs], [p.entity_right for p, _ in pairs]
    elif kind == KINDS[1]:
        found, right = [c.relations(p) for p, c in pairs], [p.relation_right for p, _ in pairs]
    else:
        found, right = [c.given_relations(p) for p, c in pairs], [p.given_right for p, _ in pairs]
    return reliability.reliability(joined(found), joined(right))


def _group(
    kind: str, lines: str, source: str | None, measured: Mapping[str, reliability.Reliability]
) -> dict:
    first = measured["before"]
    return {
        "kind": kind,
        "lines": lines,
        "source": source,
        "count": int(first.counts.sum()),
        "right": round(first.share_right, 4),
        **{when: each.as_dict() for when, each in measured.items()},
    }


def _present(model: KieModel) -> FittedCalibration:
    """The calibration that a model has."""
    return FittedCalibration(**dataclasses.asdict(model.config.calibration))


def write(folder: Path, made: FittedCalibration) -> None:
    """Writes a calibration into a model folder's ``config.json``, and its new checksum into the card.

    Args:
        folder: of the model.
        made: the calibration.
    """
    change_config(folder, **dataclasses.asdict(made))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr where something has to be changed.

    Args:
        argv: arguments; None: those of the process.
    """
    try:
        return _run(_parser().parse_args(argv))
    except (UsageError, LabelError, PictureError, ModelError, SettingsError, OSError) as error:
        print("beam_kie.training.calibration:", *str(error).split(), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "python -m beam_kie.training.calibration",
        description="Measures and mends a model's confidences on labelled pages that it has not seen.",
        allow_abbrev=False,
    )
    parser.add_argument("--model", required=True, metavar="REF", help='"bundled" or a model folder')
    pages = parser.add_mutually_exclusive_group(required=True)
    pages.add_argument("--config", metavar="FILE", help="settings of a training run: the pages it held out")
    pages.add_argument("--labels", metavar="FILE", help="a label file or FUNSD folder, not learned from")
    pages.add_argument("--folds", type=Path, metavar="DIR", help=FOLDS_HELP)
    parser.add_argument("--sources", type=source_names, metavar="NAMES", help=SOURCES_HELP)
    parser.add_argument("--images", metavar="DIR", help="its pictures, for page sizes")
    parser.add_argument(
        "--ocr_lines",
        metavar="FILE",
        help="what OCR read on them (python -m beam_kie.training.data.ocr_lines)",
    )
    parser.add_argument(
        "--holdout", type=regex, metavar="REGEX", help="only pages whose name this finds, not learned from"
    )
    parser.add_argument("--pages", type=page_range, metavar="FROM:TO", help="only these pages, from 1")
    parser.add_argument(
        "--unknown_words",
        nargs="?",
        const="also",
        choices=("also", "only"),
        help="count every page a second time with its letters exchanged, or only so: for pages whose words "
        "were learned from",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write all figures as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the reliability plot (matplotlib)")
    parser.add_argument(
        "--force",
        action="store_true",
        help=f"calibrate on fewer than {FEWEST_PAGES} pages all the same: confidences may then be far off",
    )
    parser.add_argument("--write", action="store_true", help="put it into the model's config.json")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    return parser


def _run(args: argparse.Namespace) -> int:
    folder = _folder(args.model)
    model = KieModel.load(folder, device=args.device)
    read = [(reader, _as_asked(args, pages)) for reader, pages in _pages(args, model)]
    names = {(source, page.name) for _, pages in read for (source, _), gold in pages.items() for page in gold}
    count = len(names)
    if count < FEWEST_PAGES and not args.force:
        raise UsageError(
            f"{count} held-out pages are too few for confidences to be trusted: hold out {FEWEST_PAGES} or "
            "more (30 are good), or give --force"
        )
    progress = no_progress if args.quiet else show_progress
    if count < 2:
        raise UsageError("one page cannot be halved: give at least two labelled pages that were held out")
    present = _present(model)
    temperatures = dict.fromkeys((*TEMPERATURES, present.entity_temperature, present.relation_temperature))
    found = [
        each
        for reader, pages in read
        for each in measure_confidences(reader, pages, tuple(temperatures), progress)
    ]
    ways = choose_ways(found, present)
    made = fit(found, *ways, present)
    report = {
        "model": f"{model.name} {model.revision}",
        "bins": f"{reliability.BINS} of equal width",
        "ways": {"entities": ways[0], "relations": ways[1]},
        "calibration": dataclasses.asdict(made),
        "groups": make_report(found, ways, present),
    }
    print(table(report))
    if args.report:
        args.report.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if args.write:
        write(folder, made)
        (folder / CALIBRATION_REPORT).write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        print(f"written to {folder / 'config.json'}")
    if args.plot:
        try:
            reliability.draw(report, args.plot)
        except ModuleNotFoundError:
            raise UsageError(f"--plot: {reliability.MISSING}") from None
    return 0


def _folder(reference: str) -> Path:
    try:
        return model_store.resolve(reference)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error


def _pages(args: argparse.Namespace, model: KieModel) -> Iterator[tuple[KieModel, Pages]]:
    """Models, and the labelled pages that each is measured on."""
    check_sources(args.folds, args.sources)
    if args.folds:
        for reader, sources in fold_models(args.folds, args.sources, model, args.device):
            reader = reader.with_config(decoding=model.config.decoding)
            yield reader, pages_of(sources, reader, args.pages)
    elif args.config:
        yield model, held_out_pages(args.config, model, args.pages)
    else:
        holdout = args.holdout.pattern if args.holdout else None
        source = LabelledSource(args.labels, args.images, args.ocr_lines, holdout)
        yield model, pages_of([source], model, args.pages)


def _as_asked(args: argparse.Namespace, found: Pages) -> Pages:
    if not found:
        raise UsageError("no labelled page is selected")
    if args.unknown_words is None:
        return found
    known = args.unknown_words == "also"
    return {
        key: [*(each if known else ()), *(in_unknown_words(page, 0) for page in each)]
        for key, each in found.items()
    }


def table(report: dict) -> str:
    """The figures of a report as a text table.

    Args:
        report: as it is written to a file.
    """
    head = f"{'':<28}{'lines':<7}{'pages of':<28}{'count':>7}{'right':>8}{'ECE before':>12}{'now':>8}"
    lines = [f"model {report['model']}; expected calibration error, {report['bins']}", ""]
    lines.append(f"{head}{'temperature':>13}{'after':>8}")
    for group in report["groups"]:
        figures = "".join(
            f"{group[when]['ece']:>{width}.3f}"
            for when, width in (("before", 12), ("now", 8), ("temperature", 13), ("after", 8))
        )
        where = group["source"] or "all"
        names = f"{group['kind']:<28}{group['lines']:<7}{where:<28}"
        lines.append(f"{names}{group['count']:>7}{group['right']:>8.3f}{figures}")
    ways, made = report["ways"], report["calibration"]
    lines += ["", f"entities: {ways['entities']} ({made['entity_temperature']}); "]
    lines[-1] += f"relations: {ways['relations']} ({made['relation_temperature']})"
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
