"""The labelled pages of a run: read, divided into those to learn from and those held out, and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from beam_kie.document import TextLine
from beam_kie.labelled.formats import LabelError, LabelledPage, file_and_page, read_labels
from beam_kie.labelled.sources import LabelledSource, read_ocr_lines, split_held_out
from beam_kie.training.planning.values import SettingsError


@dataclass(frozen=True)
class SourcePages:
    """The pages of a source: those to learn from, those held out, and what OCR read on them, by name."""

    source: LabelledSource
    kept: list[LabelledPage]
    held: list[LabelledPage]
    lines: Mapping[str, tuple[TextLine, ...]] = field(default_factory=dict)


def read_sources(sources: Sequence[LabelledSource]) -> tuple[SourcePages, ...]:
    """Reads what the sources of a run name, pictures left out.

    Args:
        sources: of the settings.

    Raises:
        SettingsError: a file or a picture is missing, or a source has no page to learn from; with the key.
    """
    read = tuple(_read_source(source, f"sources[{place}]") for place, source in enumerate(sources))
    if read and not any(each.kept for each in read):
        count = sum(len(each.held) for each in read)
        raise SettingsError(f"sources: nothing is left to learn from: holdout takes all {count} pages")
    if read and not any(each.source.weight for each in read if each.kept):
        raise SettingsError("sources: weight is 0 for all of them, so that no page would be drawn")
    return read


def _read_source(source: LabelledSource, key: str) -> SourcePages:
    if not 0 <= source.weight < float("inf"):
        raise SettingsError(f"{key}.weight is {source.weight}, but must be 0 or more")
    try:
        pages = read_labels(source.labels, _folder(source, key))
    except LabelError as error:
        raise SettingsError(f"{key}.labels: {error}") from error
    if not pages:
        raise SettingsError(f"{key}.labels: {source.labels} has no page")
    try:
        kept, held = split_held_out(pages, source.holdout)
    except re.error as error:
        raise SettingsError(f"{key}.holdout: no regular expression: {error}") from error
    if source.holdout is not None and not held:
        raise SettingsError(
            f"{key}.holdout: {source.holdout!r} finds none of the {len(kept)} pages of {source.labels}; "
            f"the first is {kept[0].name}"
        )
    _check_pictures(source, pages, key)
    return SourcePages(source, kept, held, _lines(source, pages, key))


def _folder(source: LabelledSource, key: str) -> str | None:
    if source.images and not Path(source.images).is_dir():
        raise SettingsError(f"{key}.images: {source.images}: no such folder")
    return source.images


def _check_pictures(source: LabelledSource, pages: Sequence[LabelledPage], key: str) -> None:
    if source.images is None:
        return
    names = dict.fromkeys(file_and_page(page.name)[0] for page in pages)
    missing = [name for name in names if not (Path(source.images) / name).is_file()]
    if missing:
        raise SettingsError(
            f"{key}.images: {len(missing)} of the {len(names)} files that {source.labels} names are not in "
            f"{source.images}, the first is {missing[0]}"
        )


def _lines(
    source: LabelledSource, pages: Sequence[LabelledPage], key: str
) -> Mapping[str, tuple[TextLine, ...]]:
    if source.ocr_lines is None:
        return {}
    if not Path(source.ocr_lines).is_file():
        raise SettingsError(f"{key}.ocr_lines: {source.ocr_lines}: no such file")
    try:
        lines = read_ocr_lines(source.ocr_lines)
    except LabelError as error:
        raise SettingsError(f"{key}.ocr_lines: {error}") from error
    if not any(page.name in lines for page in pages):
        first = f"; its first page is {next(iter(lines))}" if lines else ""
        raise SettingsError(
            f"{key}.ocr_lines: {source.ocr_lines} has none of the {len(pages)} pages of {source.labels}"
            f"{first}"
        )
    return lines
