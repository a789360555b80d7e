"""The runs of the folds: trained one after the other; an interrupted one goes on."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from beam_kie.evaluation.arguments import UsageError
from beam_kie.evaluation.measure import Progress
from beam_kie.training.data.pages import PageSource
from beam_kie.training.loop import Trainer
from beam_kie.training.planning.plan import make_plan
from beam_kie.training.reports.provenance import of_folder
from beam_kie.training.settings import Settings

SETTINGS = "settings.json"
DONE = "done"

_MAY_DIFFER = ("output", "threads", "checkpoint_minutes", "precision")  # between parts of one run


def is_trained(folder: Path) -> bool:
    """Whether the run of a folder is at its end.

    Args:
        folder: of the run.
    """
    return (folder / DONE).is_file()


def check_run(settings: Settings) -> None:
    """Refuses a folder that holds a run with other settings.

    Args:
        settings: of the run.

    Raises:
        UsageError: with the setting that differs.
    """
    path = Path(settings.output) / SETTINGS
    if not path.is_file():
        return
    try:
        before = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UsageError(f"{path}: {error}; remove the folder to train this fold again") from error
    for name, value in _plain(settings).items():
        if name not in _MAY_DIFFER and before.get(name) != value:
            raise UsageError(
                f"--output: {path.parent} holds a run with other {name}: name another folder, or remove it"
            )


def train_fold(settings: Settings, device: str, progress: Progress) -> None:
    """Trains a fold's run to its end, from its last checkpoint if there is one.

    The folder gets the settings too, so that ``python -m beam_kie.training`` can train the fold by itself.
    What the training loop prints goes to standard error.

    Args:
        settings: as of ``settings_of_fold``.
        device: as of ``resolve_device``.
        progress: called with what is being done, pages done and pages in all.

    Raises:
        SettingsError: settings that cannot work.
        PictureError: a picture cannot be decoded.
    """
    plan = make_plan(settings)
    folder = Path(settings.output)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SETTINGS).write_text(json.dumps(_plain(settings), indent=1, ensure_ascii=False) + "\n", "utf-8")
    plan.keep_vocabulary()
    with contextlib.redirect_stdout(sys.stderr):
        Trainer(plan, PageSource(plan, progress), device).run()
    (folder / DONE).touch()


def seen_before(settings: Settings) -> list[str]:
    """Warnings that the runs begin from, or learn from, a model that may know the pages kept aside.

    Args:
        settings: of the runs.
    """
    own = {source.description for source in settings.sources} - {None}
    notes = []
    for key in ("start_from", "teacher"):
        folder = getattr(settings, key)
        known = of_folder(Path(folder)) if folder and Path(folder).is_dir() else None
        if known and (known.own or own & {each.text for each in known.data}):
            notes.append(
                f"{key}: {folder} has learned from labelled pages. If these are among them, all figures are "
                "too high, and only differences between such runs say something"
            )
    return notes


def _plain(settings: Settings) -> dict:
    return json.loads(json.dumps(asdict(settings)))
