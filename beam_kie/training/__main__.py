"""The command: ``beam-kie-train --config FILE`` (``python -m beam_kie.training``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from beam_kie.evaluation.arguments import show_progress
from beam_kie.labelled.sources import PictureError
from beam_kie.layoutxlm.devices import resolve_device
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.program import add_version, program_name
from beam_kie.training.data.pages import PageSource
from beam_kie.training.loop import Trainer, precision_on
from beam_kie.training.planning.never_open import check_paths, nothing_opened_in
from beam_kie.training.planning.plan import make_plan, notes
from beam_kie.training.planning.values import SettingsError, naming
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
        with naming(args.config):
            check_paths(settings)
            with nothing_opened_in(settings.never_open):
                _train(settings, args.device)
    except (SettingsError, PictureError, ModelError, OSError) as error:
        print("error:", *str(error).split(), file=sys.stderr)
        return 2
    return 0


def _train(settings: Settings, device: str) -> None:
    if settings.threads:
        torch.set_num_threads(settings.threads)
    precision_on(resolve_device(device), settings.precision)
    plan = make_plan(settings)
    plan.keep_vocabulary()
    print(*notes(plan), sep="\n", file=sys.stderr)
    source = PageSource(plan, show_progress)
    Trainer(plan, source, device).run()
    if settings.start_from:
        made = Path(settings.output) / "model"
        for line in changes(settings.start_from, made, source.held_out, device, show_progress):
            print(line)
    draw_after_run(settings.output)


if __name__ == "__main__":
    sys.exit(main())
