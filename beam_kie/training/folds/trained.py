"""The trained runs of folds, each with the pages that it kept aside: to choose on all pages at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from beam_kie.evaluation.arguments import UsageError
from beam_kie.labelled.alignment import Pairing
from beam_kie.labelled.gold import GoldPage, gold_pages
from beam_kie.labelled.sources import LabelledSource, split_held_out, with_readings
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.folds.dividing import labelled_pages
from beam_kie.training.folds.measuring import as_in_job, by_name, read_lines
from beam_kie.training.folds.runs import SETTINGS, is_trained
from beam_kie.training.settings import Settings


def source_names(text: str) -> list[str]:
    """The value of ``--sources``.

    Args:
        text: names with commas between them.
    """
    return text.split(",")


FOLDS_HELP = (
    "the --output of python -m beam_kie.training.folds: all labelled pages, each read by the run that did "
    "not learn from it"
)
SOURCES_HELP = "with --folds: only these sources, with commas between them, by the names in its folds.json"


def trained_folds(folder: Path, names: Sequence[str] | None) -> Iterator[tuple[Path, list[LabelledSource]]]:
    """The model folders of all folds, and the sources of which each kept a fold aside (their ``holdout``).

    Args:
        folder: the ``--output`` of ``python -m beam_kie.training.folds``.
        names: of the sources that are wanted, as ``folds.json`` has them; None: all.

    Raises:
        UsageError: a fold is not trained, or there is no such source.
        SettingsError: the settings of a fold cannot be read.
    """
    runs = sorted(path.parent for path in folder.glob(f"fold*/{SETTINGS}"))
    if not runs:
        raise UsageError(f"{folder}: no folds: python -m beam_kie.training.folds makes them")
    for run in runs:
        if not is_trained(run):
            raise UsageError(f"{run} is not trained to its end: run the command that made it again")
        sources = Settings.load(run / SETTINGS).sources
        yield run / "model", list(by_name(sources, names, str(folder)).values())


def fold_models(
    folder: Path, names: Sequence[str] | None, like: KieModel, device: str = "auto"
) -> Iterator[tuple[KieModel, list[LabelledSource]]]:
    """The models of all folds, each with the sources of which it kept a fold aside.

    Args:
        folder: as of ``trained_folds``.
        names: as of ``trained_folds``.
        like: the model that something is chosen for.
        device: as of ``KieModel.load``.

    Raises:
        ModelError: a model cannot be loaded.
        SettingsError: as ``trained_folds``.
        UsageError: as ``trained_folds``, or a model has other labels.
    """
    for path, sources in trained_folds(folder, names):
        model = KieModel.load(path, device=device)
        if model.labels != like.labels:
            raise UsageError(
                f"--folds: {path} finds {', '.join(model.labels)}, --model {', '.join(like.labels)}"
            )
        yield model, sources


def check_sources(folds: Path | None, sources: Sequence[str] | None) -> None:
    """Refuses ``--sources`` without ``--folds``.

    Args:
        folds: the value of ``--folds``.
        sources: the value of ``--sources``.

    Raises:
        UsageError: there are no folds to take sources of.
    """
    if sources and not folds:
        raise UsageError("--sources: names sources of --folds; give that too")


def kept_aside(sources: Sequence[LabelledSource], model: KieModel) -> list[GoldPage]:
    """The pages that a run kept aside, with the lines of ``ocr_lines`` and all that a page in the job has.

    Args:
        sources: as of ``trained_folds``.
        model: that reads them.

    Raises:
        UsageError: labels or readings cannot be read.
        PictureError: as ``as_in_job``.
    """
    found = []
    pairing = Pairing(model.config.head_labels, model.config.tail_labels)
    for source in sources:
        if source.ocr_lines is None:
            continue
        _, kept = split_held_out(labelled_pages(source, source.labels), source.holdout)
        read = with_readings(gold_pages(kept, *pairing), read_lines(source.ocr_lines))
        found += as_in_job(read, source, model)
    return found
