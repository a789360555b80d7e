"""Pages of PDF and TIFF files, for ``--validate_only``: files of this machine, opened in a child process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from beam_kie.ocr import Engine
from transforms.config import JobConfig
from transforms.stages.children.child import Child, ChildLostError, ChildrenUnusableError
from transforms.stages.children.messages import CloseDocument, OpenDocument, Opened
from transforms.stages.isolated_reading import pool_arguments
from transforms.storage.uris import is_local, local_path

LARGEST_BYTES = 100_000_000
"""Larger files are not opened: they are read as a whole."""
LONGEST_S = 20.0
"""No file is opened after this time."""
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class PageCounts:
    """Pages of the files that were opened; how many could not be read, and how many were not opened."""

    pages: int = 0
    unreadable: int = 0
    not_opened: int = 0


def count_pages(uris: Iterable[str], config: JobConfig) -> PageCounts:
    """The pages of files, as far as they are on this machine, not large, and opened in time.

    Args:
        uris: of PDF and TIFF files.
        config: the run, whose limits count.
    """
    wanted = list(uris)
    paths = [path for uri in wanted if (path := _cheap(uri)) is not None]
    if not paths:
        return PageCounts(not_opened=len(wanted))
    counts = PageCounts(not_opened=len(wanted))
    settings, budget, _ = pool_arguments(config, None)
    settings = replace(settings, ocr=replace(settings.ocr, engine=Engine.NONE), preview_side=None)
    until = time.monotonic() + LONGEST_S
    child = None
    try:
        for path in paths:
            if time.monotonic() > until:
                break
            if child is None or not child.is_alive:
                child = Child(settings)
                child.wait_until_ready(_START_S)
            counts = _with_file(counts, _pages_of(child, path, budget.seconds))
    except ChildrenUnusableError:
        pass  # the files that are left are not opened
    finally:
        if child is not None:
            child.kill()
    return counts


def _cheap(uri: str) -> str | None:
    """The path of a file that may be opened."""
    if not is_local(uri):
        return None
    path = local_path(uri)
    try:
        return path if os.path.getsize(path) <= LARGEST_BYTES else None
    except OSError:
        return None


def _pages_of(child: Child, path: str, seconds: float) -> int | None:
    try:
        opened = child.ask(OpenDocument("", "", Path(path).read_bytes()), seconds)
        if not isinstance(opened, Opened):
            return None
        child.ask(CloseDocument(), seconds)
    except (ChildLostError, OSError):
        return None
    return opened.page_count


def _with_file(counts: PageCounts, pages: int | None) -> PageCounts:
    return PageCounts(counts.pages + (pages or 0), counts.unreadable + (pages is None), counts.not_opened - 1)
