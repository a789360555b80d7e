"""What a run would read: counted for ``--validate_only``."""

from __future__ import annotations

from collections.abc import Iterator

from apache_beam.pvalue import TaggedOutput

from beam_kie.document import SourceFile
from transforms.config import JobConfig
from transforms.launch.page_counts import PageCounts, count_pages
from transforms.stages.finding import list_manifest, match_pattern
from transforms.stages.inputs import ending_of

MOST_FILES = 100_000
"""So many files are counted at most: the listing of a bucket may have millions."""

_SEVERAL_PAGES = (".pdf", ".tif", ".tiff")


def count_inputs(config: JobConfig) -> list[tuple[str, str]]:
    """Files, bytes and pages of a run, and the files that it would pass over.

    Files are counted from listings. A picture counts as one page; PDF and TIFF files are opened where that is
    cheap (``count_pages``), else they count as one page at least.

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
    several = [uri for uri in files if ending_of(uri) in _SEVERAL_PAGES]
    rows = [
        ("files", f"{len(files):,}{more}, {_size(files)}"),
        ("pages", _pages(len(files) - len(several), count_pages(several, config), bool(more))),
    ]
    if passed_over:
        rows.append(("passed over", f"{len(passed_over):,} that are no documents, by their ending"))
    return rows


def _pages(pictures: int, counts: PageCounts, more: bool) -> str:
    least = "at least " if counts.not_opened or more else ""
    remarks = []
    if counts.not_opened:
        remarks.append(
            f"{counts.not_opened:,} PDF and TIFF files are not opened: not on this machine, or large"
        )
    if counts.unreadable:
        remarks.append(f"{counts.unreadable:,} PDF and TIFF files cannot be read")
    why = f" ({'; '.join(remarks)})" if remarks else ""
    return f"{least}{pictures + counts.pages + counts.not_opened:,}{why}"


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
