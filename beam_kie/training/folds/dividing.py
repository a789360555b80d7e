"""Labelled pages cut into folds, and the settings of the run that keeps one of them aside."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from beam_kie.evaluation.arguments import UsageError
from beam_kie.labelled.formats import LabelError, LabelledPage, file_and_page, read_labels
from beam_kie.labelled.sources import LabelledSource, split_held_out
from beam_kie.training.settings import Settings

Folds = Mapping[str, int]
"""The fold of every file of a source, from 1."""


def fold_of_files(names: Iterable[str], folds: int, seed: int) -> dict[str, int]:
    """The fold of every file, from 1: the files in the order of their hash are dealt out in turn.

    So folds are of equal size, and neither the order of a label file nor the other sources change them.
    Pages of one file are in one fold.

    Args:
        names: of labelled pages.
        folds: how many.
        seed: another one gives another division.
    """
    files = {file_and_page(name)[0] for name in names}
    order = sorted(files, key=lambda file: hashlib.sha256(f"{seed}:{file}".encode()).hexdigest())
    return {file: place % folds + 1 for place, file in enumerate(order)}


def divided(settings: Settings, folds: int, seed: int) -> tuple[Settings, list[Folds]]:
    """The settings without sources that are only measured, and the folds of those that are left.

    Args:
        settings: of the runs.
        folds: how many, 2 or more.
        seed: of the division.

    Raises:
        UsageError: a source cannot be read, or has fewer files than there are folds.
    """
    kept: list[LabelledSource] = []
    found: list[Folds] = []
    for place, source in enumerate(settings.sources):
        pages = labelled_pages(source, f"sources[{place}]")
        if source.holdout is not None and not split_held_out(pages, source.holdout)[0]:
            continue
        of_files = fold_of_files((page.name for page in pages), folds, seed)
        if len(of_files) < folds:
            raise UsageError(
                f"sources[{place}].labels: {len(of_files)} files cannot be cut into {folds} folds: label "
                "more, or give a smaller --folds"
            )
        kept.append(source)
        found.append(of_files)
    if not kept:
        raise UsageError("sources: no labelled page is learned from, so there is nothing to cut into folds")
    return replace(settings, sources=tuple(kept)), found


def labelled_pages(source: LabelledSource, key: str) -> list[LabelledPage]:
    """All pages of a source.

    Args:
        source: of the settings.
        key: what names it there.

    Raises:
        UsageError: its labels cannot be read.
    """
    try:
        return read_labels(source.labels, source.images)
    except LabelError as error:
        raise UsageError(f"{key}.labels: {error}") from error


def settings_of_fold(settings: Settings, found: Sequence[Folds], fold: int, output: Path) -> Settings:
    """The settings of the run that learns from all pages but those of one fold.

    The fold is measured once, when the run ends, and ``patience`` is 0: otherwise the pages that judge a run
    would also choose its weights.

    Args:
        settings: of all runs.
        found: the folds of their sources.
        fold: the one to keep aside, from 1.
        output: folder of the run.
    """
    sources = tuple(
        replace(source, holdout=_pattern(file for file, its in files.items() if its == fold))
        for source, files in zip(settings.sources, found, strict=True)
    )
    return replace(settings, output=str(output), sources=sources, evaluate_every=settings.steps, patience=0)


def _pattern(files: Iterable[str]) -> str:
    return rf"^(?:{'|'.join(re.escape(file) for file in sorted(files))})(?:#page=\d+)?\Z"
