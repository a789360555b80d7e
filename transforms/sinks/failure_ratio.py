"""The end of a bad run: the job fails when everything is written and too many documents failed."""

from __future__ import annotations

from collections.abc import Iterable

import apache_beam as beam
from apache_beam.pvalue import AsIter, PCollection

from transforms.config import JobConfig
from transforms.ptransform import Transform
from transforms.runs.finished_runs import read_summary


class TooManyFailuresError(RuntimeError):
    """More documents failed than ``--max_failure_ratio`` allows; tables and summary are complete."""


class FailBadRuns(Transform):
    """End the job in failure if too many documents failed: PCollection[str], the summary's path, to itself.

    The step runs when the summary is written, so the tables are complete. A service then shows the job as
    failed, also where no launcher waits for its end.

    Args:
        config: the job.
        after: what must be done before.
    """

    def __init__(self, config: JobConfig, after: PCollection):
        super().__init__()
        self.config = config
        self.after = after

    def expand(self, path):
        """Wire the check behind a shuffle: a repeated check does not write the summary again."""
        check = beam.Map(check_failure_ratio, self.config, AsIter(self.after)).with_output_types(str)
        return path | "Take summary" >> beam.Reshuffle() | "Check failure ratio" >> check


def check_failure_ratio(path: str, config: JobConfig, _after: Iterable[str] = ()) -> str:
    """Compare a summary with ``config.max_failure_ratio``.

    Args:
        path: of the summary.
        config: the job.
        _after: not used: the runner has it before it calls this.

    Returns:
        The same path.

    Raises:
        TooManyFailuresError: too many documents failed.
    """
    ratio = read_summary(path, config.storage_timeout_s)["documents"]["failure_ratio"]
    if ratio > config.max_failure_ratio:
        raise TooManyFailuresError(
            f"{ratio:.1%} of the documents failed; --max_failure_ratio allows "
            f"{config.max_failure_ratio:.1%}. The tables are complete: the table failures says why."
        )
    return path
