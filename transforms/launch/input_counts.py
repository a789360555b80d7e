"""What a run would read: counted for ``--validate_only``, from listings alone; no file is opened."""

from __future__ import annotations

from collections.abc import Iterator

from apache_beam.pvalue import TaggedOutput

from beam_kie.document import SourceFile
from transforms.config import JobConfig
from transforms.stages.finding import list_manifest, match_pattern
from transforms.stages.inputs import ending_of

MOST_FILES = 100_000
"""So many files are counted at most: the listing of a bucket may have millions."""

_SEVERAL_PAGES = (".pdf", ".tif", ".tiff")


def count_inputs(config: JobConfig) -> list[tuple[str, str]]:
    """Files, bytes and pages of a run, and the files that it would pass over.

    Pages are those that endings tell: a picture has one, a PDF or TIFF file at least one.

    Args:
        config: The run.

    Returns:
        Names and texts for the plan.

    Raises:
        StorageError: A storage does not answer.
    """
    files: dict[str, int | None] = {}
    passed_over: set[str] = set()
    for found in _found(config):
        if isinstance(found, TaggedOutput):
            passed_over.add(found.value)
        elif found.size_bytes is not None or found.uri not in files:
            files[found.uri] = found.size_bytes
        if len(files) + len(passed_over) >= MOST_FILES:
            break
    more = " or more" if len(files) + len(passed_over) >= MOST_FILES else ""
    several = sum(ending_of(uri) in _SEVERAL_PAGES for uri in files)
    least = "at least " if several or more else ""
    why = f" ({several:,} PDF and TIFF files are not opened)" if several else ""
    rows = [("files", f"{len(files):,}{more}, {_size(files)}"), ("pages", f"{least}{len(files):,}{why}")]
    if passed_over:
        rows.append(("passed over", f"{len(passed_over):,} that are no documents, by their ending"))
    return rows


def _found(config: JobConfig) -> Iterator[SourceFile | TaggedOutput]:
    for pattern in config.input:
        yield from match_pattern(pattern, config.storage_timeout_s)
    if config.manifest:
        yield from list_manifest(config.manifest)


def _size(files: dict[str, int | None]) -> str:
    """The bytes of the files, as far as they are known without looking at each."""
    known = [size for size in files.values() if size is not None]
    text = f"{sum(known) / 1e6:,.1f} MB"
    return text if len(known) == len(files) else f"{text} (of {len(files) - len(known):,} it is not known)"
