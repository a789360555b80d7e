"""The command ``python -m beam_kie.training.folds --config FILE --output DIR``.

Judges settings, not weights: cuts the labelled pages of every source into folds, trains a run for each fold
on the pages of the others, and measures every run on the fold that it did not learn from.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from beam_kie.evaluation.arguments import Parser, UsageError, box_geometries, positive, show_progress
from beam_kie.evaluation.measure import no_progress
from beam_kie.labelled.sources import PictureError
from beam_kie.layoutxlm.checkpoints import ModelError
from beam_kie.layoutxlm.config import ConfigError, Decoding
from beam_kie.layoutxlm.devices import resolve_device
from beam_kie.layoutxlm.model import KieModel
from beam_kie.program import add_version, program_name
from beam_kie.training.folds.dividing import Folds, divided, settings_of_fold
from beam_kie.training.folds.figures import differences, differences_table, figures, figures_table
from beam_kie.training.folds.measuring import by_name, measure_fold, readings_of
from beam_kie.training.folds.results import Result, joined, read_result
from beam_kie.training.folds.runs import check_run, is_trained, seen_before, train_fold
from beam_kie.training.folds.trained import source_names
from beam_kie.training.loop import precision_on
from beam_kie.training.planning.never_open import check_paths, nothing_opened_in
from beam_kie.training.planning.values import SettingsError, is_number, naming
from beam_kie.training.settings import Settings

RESULT = "folds.json"
COUNTS = "counts.json"
_ERRORS = (UsageError, SettingsError, PictureError, ModelError, OSError)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 after one line on stderr where something has to be changed.

    Args:
        argv: arguments; None: those of the process.
    """
    try:
        args = _parser().parse_args(argv)
        settings = _settings(args)
        with naming(args.config):
            check_paths(settings)
            with nothing_opened_in(settings.never_open):
                _run(args, settings)
    except _ERRORS as error:
        print("beam_kie.training.folds:", *str(error).split(), file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        program_name("python -m beam_kie.training.folds"), description=__doc__, allow_abbrev=False
    )
    add_version(parser)
    parser.add_argument("--config", required=True, metavar="FILE", help="settings of the runs, JSON")
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help=f"folder of the runs, fold1, fold2, ..., and of {RESULT}; the same command goes on with them",
    )
    parser.add_argument("--folds", type=positive, default=5, metavar="K", help="how many (default: 5)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the division (default: 0)")
    parser.add_argument("--steps", type=positive, metavar="N", help="in place of the settings' steps")
    parser.add_argument("--only_fold", type=positive, metavar="K", help="train and measure this fold only")
    parser.add_argument(
        "--box_geometries",
        type=box_geometries,
        metavar="NAMES",
        help="measure pairs on these of the readings of every source, with commas between them (default: all "
        "that ocr_lines and more_ocr_lines name)",
    )
    parser.add_argument(
        "--sources",
        type=source_names,
        metavar="NAMES",
        help="measure only these sources, with commas between them, by the folder and file of their labels, "
        f"as {RESULT} has them (zh/train for zh/train.json); all are learned from (default: all)",
    )
    parser.add_argument(
        "--decoding",
        nargs="+",
        default=[],
        metavar="NAME=NUMBER",
        help="measure the trained runs again with other costs of decoding, such as switch_penalty=7; "
        f"nothing is trained, and the result is compared with {RESULT}",
    )
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", help=f"print the difference to another {RESULT}, page by page"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--quiet", action="store_true", help="no progress of pages on stderr")
    return parser


def _settings(args: argparse.Namespace) -> Settings:
    # Absolute, so that the settings of a fold hold wherever its folder is.
    settings = Settings.load(Path(args.config).absolute())
    settings = dataclasses.replace(settings, output=str(args.output.absolute()))
    if args.folds < 2:
        raise UsageError("--folds 1: nothing would be left to learn from; give 2 or more")
    if args.only_fold and args.only_fold > args.folds:
        raise UsageError(f"--only_fold {args.only_fold}: there are {args.folds} folds")
    if settings.tasks and "entities" not in settings.tasks:
        raise UsageError("tasks: folds are measured by the entities that a run finds; it must learn them")
    return dataclasses.replace(settings, steps=args.steps) if args.steps else settings


def _run(args: argparse.Namespace, settings: Settings) -> None:
    if settings.threads:
        torch.set_num_threads(settings.threads)
    precision_on(resolve_device(args.device), settings.precision)
    other = read_result(args.compare) if args.compare else None
    overrides = _overrides(args.decoding)
    learned, found = divided(settings, args.folds, args.seed)
    if len(learned.sources) < len(settings.sources):
        _note("sources of which no page is learned from are left out")
    _check_readings(args, learned)
    wanted = list(by_name(learned.sources, args.sources))
    chosen = [args.only_fold] if args.only_fold else list(range(1, args.folds + 1))
    made_with = {
        "folds": args.folds,
        "seed": args.seed,
        "steps": settings.steps,
        "decoding": overrides,
        "readings": list(args.box_geometries) if args.box_geometries else None,
    }
    for note in seen_before(learned):
        _note(note)
    results = {}
    for fold in range(1, args.folds + 1):
        folder = args.output.absolute() / f"fold{fold}"
        run = settings_of_fold(learned, found, fold, folder)
        if fold in chosen:
            results[fold] = _result_of_fold(args, run, found, fold, made_with, wanted)
        elif not (known := _known(folder / COUNTS, made_with)).lacks(wanted):
            results[fold] = known.only(wanted)
    result = joined(results, {**made_with, "sources": args.sources})
    name = RESULT
    if overrides:
        name = "folds." + ",".join(f"{key}={value:g}" for key, value in sorted(overrides.items())) + ".json"
        if other is None and (args.output / RESULT).is_file():
            other, args.compare = read_result(args.output / RESULT), args.output / RESULT
    result.write(args.output / name)
    print("\n".join(_report(args, result, other, args.output / name)))


def _result_of_fold(
    args: argparse.Namespace,
    run: Settings,
    found: Sequence[Folds],
    fold: int,
    made_with: dict[str, Any],
    wanted: Sequence[str],
) -> Result:
    """Trains a fold, and measures it on the wanted sources, as far as that is not done already."""
    folder = Path(run.output)
    overrides = made_with["decoding"]
    check_run(run)
    known = _known(folder / COUNTS, made_with) if is_trained(folder) else Result()
    missing = known.lacks(wanted)
    if is_trained(folder) and not missing:
        return known.only(wanted)
    progress = no_progress if args.quiet else show_progress
    if not is_trained(folder):
        if overrides:
            raise UsageError(f"--decoding: {folder} is not trained yet: run the command without it first")
        kept = sum(len([each for each in files.values() if each == fold]) for files in found)
        _note(f"fold {fold} of {args.folds}: {kept} files are kept aside, {run.steps} steps")
        train_fold(run, args.device, progress)
        gc.collect()
    model = KieModel.load(folder / "model", device=args.device)
    if overrides:
        decoding = dataclasses.replace(model.config.decoding, **overrides)
        try:
            model = model.with_config(decoding=decoding)
        except ConfigError as error:
            raise UsageError(f"--decoding: {error}") from error
    pages = measure_fold(model, run.sources, found, fold, args.box_geometries, missing, progress)
    result = Result({**known.pages, **pages}, made_with)
    if not overrides:
        result.write(folder / COUNTS)
    return result.only(wanted)


def _known(path: Path, made_with: dict[str, Any]) -> Result:
    """The counts of a fold that were measured before in the same way, of whichever sources."""
    if not path.is_file() or made_with["decoding"]:
        return Result()
    result = read_result(path)
    return result if result.made_with == made_with else Result()


def _overrides(texts: Sequence[str]) -> dict[str, float]:
    names = [each.name for each in dataclasses.fields(Decoding) if is_number(each.default)]
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in names:
            raise UsageError(f"--decoding {text}: give NAME=NUMBER; names are {', '.join(names)}")
        try:
            found[name] = float(value)
        except ValueError:
            raise UsageError(f"--decoding {text}: {value!r} is not a number") from None
    return found


def _check_readings(args: argparse.Namespace, settings: Settings) -> None:
    there = {name for source in settings.sources for name in readings_of(source, None)}
    for name in args.box_geometries or ():
        if name not in there:
            known = ", ".join(sorted(there)) or "none"
            raise UsageError(f"--box_geometries {name}: no source has this reading; there are {known}")


def _report(args: argparse.Namespace, result: Result, other: Result | None, path: Path) -> list[str]:
    of_source = {source: figures(pages) for source, pages in result.pages.items()}
    lines = figures_table(of_source, {source: len(pages) for source, pages in result.pages.items()})
    if other is not None:
        common = [source for source in result.pages if source in other.pages]
        compared = {each: differences(other.pages[each], result.pages[each]) for each in common}
        lines += differences_table(compared, str(args.compare))
    measured = result.made_with["folds_measured"]
    if len(measured) < args.folds:
        lines += ["", f"only of {len(measured)} of {args.folds} folds: {', '.join(map(str, measured))}"]
    return [*lines, "", f"written to {path}"]


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
