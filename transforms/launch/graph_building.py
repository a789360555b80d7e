"""Builds and translates the graph of a job without repeating what takes Beam most of the time.

Beam looks through all methods of a DoFn for state and timers six times, and makes a parser of options from
scratch four times for every step. With the 200 steps of the job's graph that was nearly half of the time from
the imports to the first page.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import userstate


@contextmanager
def dofns_seen_once() -> Iterator[None]:
    """Inside, Beam looks for state and timers once in each DoFn; the classes of DoFns do not change."""
    look = userstate.get_dofn_specs
    known: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def specs(dofn: Any) -> Any:
        try:
            found = known.get(dofn)
            if found is None:
                found = known[dofn] = look(dofn)
        except TypeError:  # it has no hash, or cannot be referred to weakly
            return look(dofn)
        return found

    userstate.get_dofn_specs = specs
    try:
        yield
    finally:
        userstate.get_dofn_specs = look


@contextmanager
def options_parsed_once() -> Iterator[None]:
    """Inside, options are parsed once for each of their classes; all views share the values anyway.

    For the time in which a graph is built, by one thread: views are kept until the end.
    """
    make = PipelineOptions.view_as
    views: dict[tuple[int, type], Any] = {}

    def view_as(self: PipelineOptions, cls: Any) -> Any:
        # A view holds on to the values, so that no other values get their number.
        key = (id(self._all_options), cls)
        if key not in views:
            views[key] = make(self, cls)
        return views[key]

    PipelineOptions.view_as = view_as
    try:
        yield
    finally:
        PipelineOptions.view_as = make
