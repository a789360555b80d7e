"""Files of patterns that were not read because their ending says that they are no documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import apache_beam as beam

from transforms.stages.inputs import ending_of

_EXAMPLES = 5


class PassedOver(NamedTuple):
    """Files that were passed over: how many of each ending, and the first of their URIs in order."""

    by_ending: Counter[str]
    examples: tuple[str, ...]

    def section(self) -> dict[str, Any]:
        """The section of summary.json."""
        by_ending = dict(sorted(self.by_ending.items()))
        return {"files": self.by_ending.total(), "by_ending": by_ending, "examples": list(self.examples)}


class PassedOverFn(beam.CombineFn):
    """URIs of files that were passed over, each once, to PassedOver; it does not grow with their number."""

    def create_accumulator(self) -> PassedOver:
        """No file."""
        return PassedOver(Counter(), ())

    def add_input(self, known: PassedOver, uri: str) -> PassedOver:
        """Add one file.

        Args:
            known: of a part of the run; it is changed.
            uri: of the file.
        """
        known.by_ending[ending_of(uri)] += 1
        return PassedOver(known.by_ending, tuple(sorted((*known.examples, uri))[:_EXAMPLES]))

    def merge_accumulators(self, parts: Iterable[PassedOver]) -> PassedOver:
        """Add parts of the run.

        Args:
            parts: of the run; they stay as they are.
        """
        merged = self.create_accumulator()
        for part in parts:
            merged.by_ending.update(part.by_ending)
            examples = sorted((*merged.examples, *part.examples))[:_EXAMPLES]
            merged = PassedOver(merged.by_ending, tuple(examples))
        return merged

    def extract_output(self, known: PassedOver) -> PassedOver:
        """What is known of all files.

        Args:
            known: of the run.
        """
        return known
