"""The labelled pages of a run: read, divided into those to learn from and those held out, and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from beam_kie.document import TextLine
from beam_kie.labelled.formats import LabelError, LabelledPage, file_and_page, read_labels
from beam_kie.labelled.sources import LabelledSource, read_ocr_lines, split_held_out
from beam_kie.training.planning.values import SettingsError

Reading = Mapping[str, tuple[TextLine, ...]]


@dataclass(frozen=True)
class SourcePages:
    """The pages of a source: those to learn from, those held out, and what OCR read on them.

    ``readings`` are lines by the name of their page: first those of ``ocr_lines``, then of each of
    ``more_ocr_lines``.
    """

    source: LabelledSource
    kept: list[LabelledPage]
    held: list[LabelledPage]
    readings: Sequence[Reading] = ({},)


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
    own = _lines(source, source.ocr_lines, pages, f"{key}.ocr_lines") if source.ocr_lines else {}
    more = [
        _lines(source, path, pages, f"{key}.more_ocr_lines[{place}]")
        for place, path in enumerate(source.more_ocr_lines)
    ]
    return SourcePages(source, kept, held, (own, *more))


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


def _lines(source: LabelledSource, path: str, pages: Sequence[LabelledPage], key: str) -> Reading:
    if not Path(path).is_file():
        raise SettingsError(f"{key}: {path}: no such file")
    try:
        lines = read_ocr_lines(path)
    except LabelError as error:
        raise SettingsError(f"{key}: {error}") from error
    if not any(page.name in lines for page in pages):
        first = f"; its first page is {next(iter(lines))}" if lines else ""
        raise SettingsError(f"{key}: {path} has none of the {len(pages)} pages of {source.labels}{first}")
    return lines
