"""The command: ``beam-kie-train --config FILE`` (``python -m beam_kie.training``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from beam_kie.labelled.formats import LabelError
from beam_kie.labelled.sources import PictureError
from beam_kie.layoutxlm.checkpoints import ModelError
from beam_kie.program import add_version, program_name
from beam_kie.training.data.pages import PageSource
from beam_kie.training.loop import Trainer
from beam_kie.training.planning.never_open import check_paths, nothing_opened_in
from beam_kie.training.planning.plan import Plan, make_plan, notes
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.reports.curves import draw_after_run
from beam_kie.training.reports.measuring import changes
from beam_kie.training.settings import Settings


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
        check_paths(settings)
        with nothing_opened_in(settings.never_open):
            _train(settings, args)
    except (SettingsError, LabelError, PictureError, ModelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _train(settings: Settings, args: argparse.Namespace) -> None:
    if settings.threads:
        torch.set_num_threads(settings.threads)
    plan = _plan(settings, args.config)
    print(*notes(plan), sep="\n", file=sys.stderr)
    source = PageSource(plan)
    Trainer(plan, source, args.device).run()
    if settings.start_from:
        made = Path(settings.output) / "model"
        for line in changes(settings.start_from, made, source.held_out, args.device):
            print(line)
    draw_after_run(settings.output)


def _plan(settings: Settings, path: str) -> Plan:
    try:
        return make_plan(settings)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
