"""Results of all folds as a file, and those of one fold beside its run."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beam_kie.evaluation.arguments import UsageError
from beam_kie.training.folds.figures import figures
from beam_kie.training.folds.measuring import Counts

VERSION = 1
_DAMAGES = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class Result:
    """What was measured: ``pages`` are counts by source and page; ``made_with`` says with what."""

    pages: dict[str, dict[str, Counts]] = field(default_factory=dict)
    made_with: dict[str, Any] = field(default_factory=dict)

    def lacks(self, sources: Collection[str]) -> list[str]:
        """Those of the sources that were not measured.

        Args:
            sources: by name.
        """
        return [source for source in sources if source not in self.pages]

    def only(self, sources: Collection[str]) -> Result:
        """The result of some of the sources, in their order.

        Args:
            sources: by name; all were measured.
        """
        return Result({source: self.pages[source] for source in sources}, self.made_with)

    def write(self, path: Path) -> None:
        """Writes a file; a killed command leaves the one before.

        Args:
            path: of the file.
        """
        of_source = {
            source: {name: figure.as_dict() for name, figure in figures(pages).items()}
            for source, pages in self.pages.items()
        }
        values = {"version": VERSION, **self.made_with, "figures": of_source, "pages": self.pages}
        part = path.with_name(path.name + ".part")
        part.write_text(json.dumps(values, ensure_ascii=False) + "\n", "utf-8")
        part.replace(path)


def read_result(path: Path) -> Result:
    """The result in a file.

    Args:
        path: of the file.

    Raises:
        UsageError: it cannot be read, or is no such file.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
        if values["version"] != VERSION:
            raise UsageError(f"{path} is of version {values['version']}; measure its runs again")
        pages = values["pages"]
        for counts in (page for of_source in pages.values() for page in of_source.values()):
            _check(counts)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except _DAMAGES as error:
        raise UsageError(f"{path} is no result of this command: {error!r}") from error
    made_with = {key: value for key, value in values.items() if key not in ("version", "figures", "pages")}
    return Result(pages, made_with)


def joined(results: Mapping[int, Result], made_with: dict[str, Any]) -> Result:
    """The result over the pages of several folds.

    Args:
        results: by fold.
        made_with: as of ``Result``.
    """
    pages: dict[str, dict[str, Counts]] = {}
    for _, result in sorted(results.items()):
        for source, its in result.pages.items():
            pages.setdefault(source, {}).update(its)
    return Result(pages, {**made_with, "folds_measured": sorted(results)})


def _check(counts: Counts) -> None:
    for of_figure in counts.values():
        for numbers in of_figure.values():
            if len(numbers) != 3 or not all(isinstance(number, int) for number in numbers):
                raise ValueError(f"{numbers} are no three counts")
