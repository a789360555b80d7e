"""Folders whose files a run must not open, such as data for non-commercial use only.

Python reports every file that it opens to audit hooks (PEP 578), also those that libraries open with
``open``. Files that compiled libraries open by themselves are not reported; the paths in the settings of a
run are therefore compared with the folders, too, before it begins.

A hook cannot be removed, so none is added where there is nothing to watch. In CPython before 3.12, a hook
written in Python makes ``sys.settrace`` fail where two threads call it at the same time: under coverage or a
debugger, a thread may then end before it has begun.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from beam_kie.training.planning.values import SettingsError
from beam_kie.training.settings import Settings


class _Watch:
    """The one hook of this process: hooks cannot be removed, so it is told what to look for."""

    def __init__(self) -> None:
        self.folders: tuple[str, ...] = ()
        self._added = False

    def add(self) -> None:
        """Adds the hook, once."""
        if not self._added:
            sys.addaudithook(self._hook)
            self._added = True

    def _hook(self, event: str, arguments: tuple) -> None:
        if event != "open" or not self.folders or not isinstance(arguments[0], str | bytes):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        for folder in self.folders:
            if _within(path, folder):
                raise SettingsError(f"never_open: {path} was to be opened, but lies in {folder}")


_WATCH = _Watch()


@contextmanager
def nothing_opened_in(folders: Sequence[str]) -> Iterator[None]:
    """Files in ``folders`` cannot be opened by Python while the context lasts.

    Args:
        folders: paths; those that do not exist are allowed, and hold for what is made there.

    Raises:
        SettingsError: in the place where such a file is opened.
    """
    if not folders:
        yield
        return
    before = _WATCH.folders
    _WATCH.add()
    _WATCH.folders = (*before, *(os.path.realpath(folder) for folder in folders))
    try:
        yield
    finally:
        _WATCH.folders = before


def check_paths(settings: Settings) -> None:
    """Whether what settings name lies outside the folders that they exclude.

    Args:
        settings: of a run, with absolute paths or relative to the working directory.

    Raises:
        SettingsError: a source, text, tokenizer or model lies in a folder of ``never_open``.
    """
    named = [
        *settings.texts,
        settings.line_vectors,
        settings.tokenizer,
        settings.start_from,
        settings.teacher,
    ]
    for source in settings.sources:
        named += [source.labels, source.images, source.ocr_lines, *source.more_ocr_lines]
    for path in filter(None, named):
        for folder in settings.never_open:
            if _within(os.path.realpath(path), os.path.realpath(folder)):
                raise SettingsError(f"never_open: {path} lies in {folder}")


def _within(path: str, folder: str) -> bool:
    return path == folder or Path(path).is_relative_to(folder)
