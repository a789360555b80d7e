"""Makes a new base where recent runs have become many: on the workers, one partition at a time.

Whatever fails here costs a warning: the run is finished, and the next one reads more instead.
"""

from __future__ import annotations

import logging
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsList, AsSingleton

from beam_kie.document import Status
from transforms.config import JobConfig
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.runs.ledger.base import read_partition
from transforms.runs.ledger.plan import Base, BaseFile, FinishedRun, Plan, make_plan, write_manifest
from transforms.runs.ledger.records import from_bytes, partitions_for, to_parquet
from transforms.runs.ledger.skipping import recent_files, records_by_partition
from transforms.storage import files
from transforms.storage.patterns import escape_pattern
from transforms.storage.uris import is_local

_LOGGER = logging.getLogger(__name__)

_MOST_SHARE = 0.1
_MOST_RUNS = 30
_KEPT_S = 24 * 3600.0
_FAILED = -1


@dataclass(frozen=True, slots=True)
class Task:
    """A base to be made: its name, and what it is made of."""

    generation: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class Compacted:
    """A partition of a base that is written; ``number`` is -1 for one that could not be."""

    number: int
    file: BaseFile | None
    superseding: frozenset[str] = frozenset()


class KeepLedger(Transform):
    """Compact the ledger if it is time: PCollection[str], the summary's path, to that of a new manifest.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__()
        self.config = config

    def expand(self, summary):
        """Wire the plan, the partitions and, behind them, the manifest."""
        timeout_s = self.config.storage_timeout_s
        task = summary | "Plan" >> beam.FlatMap(find_task, self.config).with_output_types(Task)
        one = AsSingleton(task, default_value=None)
        numbers = task | "Number partitions" >> beam.FlatMap(_partitions).with_output_types(tuple[int, bytes])
        records = (
            task
            | "Find tables of documents"
            >> beam.FlatMap(_recent_files, timeout_s).with_output_types(tuple[str, str])
            | "Spread tables over workers" >> beam.Reshuffle()
            | "Read records"
            >> beam.FlatMap(_records_by_partition, one, timeout_s).with_output_types(tuple[int, bytes])
        )
        written = (
            {"wanted": numbers, "records": records}
            | "Join by partition" >> beam.CoGroupByKey()
            | "Write partition" >> beam.Map(write_partition, one, timeout_s).with_output_types(Compacted)
        )
        finish = beam.FlatMap(finish_base, AsList(written), timeout_s).with_output_types(str)
        return task | "Write manifest" >> finish


def find_task(_summary: str, config: JobConfig) -> Iterator[Task]:
    """What to do: nothing, or a new base of all finished runs.

    Args:
        _summary: not used: the runner has it before it calls this.
        config: of the job.
    """
    try:
        plan = make_plan(config.output, None, config.storage_timeout_s)
        recent = sum(run.rows for run in plan.others)
        is_due = plan.base is None or len(plan.others) > _MOST_RUNS or recent > _MOST_SHARE * plan.base.rows
        if plan.others and is_due:
            at_least = len(plan.base.files) if plan.base else 1
            count = partitions_for((plan.base.rows if plan.base else 0) + recent, at_least)
            divided = replace(plan, partitions=count)
            yield Task(f"{int(time.time())}-{uuid.uuid4().hex[:8]}", divided)
    except Exception as error:
        _warn(config.output, error)


def _warn(output: str, error: object) -> None:
    _LOGGER.warning("the ledger of %s is not brought up to date, later runs read more: %s", output, error)


def _partitions(task: Task) -> Iterator[tuple[int, bytes]]:
    return ((number, b"") for number in range(task.plan.partitions))


def _recent_files(task: Task, timeout_s: float) -> Iterator[tuple[str, str]]:
    try:
        yield from recent_files(task.plan, timeout_s)
    except Exception as error:
        _warn(task.plan.output, error)
        yield "", ""


def _records_by_partition(
    place: tuple[str, str], task: Task | None, timeout_s: float
) -> Iterator[tuple[int, bytes]]:
    assert task is not None
    try:
        if not place[1]:
            raise FileNotFoundError("tables cannot be listed")
        yield from records_by_partition(place, task.plan, timeout_s)
    except Exception as error:
        _warn(task.plan.output, error)
        yield _FAILED, b""


def write_partition(
    joined: tuple[int, Mapping[str, Iterable[bytes]]], task: Task | None, timeout_s: float
) -> Compacted:
    """Write one file of a base.

    Args:
        joined: the partition, and records of recent runs ("records").
        task: the base.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    assert task is not None
    number, found = joined
    plan = task.plan
    try:
        if number == _FAILED:
            return Compacted(_FAILED, None)
        base = read_partition(plan, number, plan.partitions, timeout_s)
        every = pa.concat_tables([base, *(from_bytes(data) for data in found["records"])])
        kept, superseding = newest_of_each(every, plan.runs)
        data = to_parquet(kept)
        name = f"part-{number:05d}-of-{plan.partitions:05d}.parquet"
        files.write_bytes(f"{paths.ledger_base_folder(plan.output, task.generation)}/{name}", data, timeout_s)
        return Compacted(
            number, BaseFile(name, kept.num_rows, len(data), zlib.crc32(data)), frozenset(superseding)
        )
    except Exception as error:
        _warn(plan.output, error)
        return Compacted(_FAILED, None)


def newest_of_each(records: pa.Table, runs: Mapping[str, FinishedRun]) -> tuple[pa.Table, set[str]]:
    """Of records that say the same of the same bytes, made in the same way, the newest.

    Args:
        records: of one partition.
        runs: all that the records name, by id.

    Returns:
        The records that are left, sorted by URI, and the runs of those that took the place of others.
    """
    kinds: dict[tuple[str, str | None, str], int] = {}
    groups = {
        run.run_id: kinds.setdefault((str(run.provenance), run.version, str(run.limits)), len(kinds))
        for run in runs.values()
    }
    names = ("uri", "content_sha256", "status", "run_id", "retryable_failure_count")
    columns = [records.column(name).to_pylist() for name in names]
    newest: dict[tuple, int] = {}
    superseding = set()
    run_ids = columns[3]
    for row, (uri, sha256, status, run_id, retryable) in enumerate(zip(*columns, strict=True)):
        # Pointers to other runs are alike however they were made: only the newest is asked for.
        how = None if status == Status.SKIPPED.value else groups[run_id]
        key = (uri, sha256, status, retryable == 0, how)
        before = newest.get(key)
        if before is None:
            newest[key] = row
            continue
        if runs[run_ids[before]].age < runs[run_id].age:
            newest[key] = row
        superseding.add(run_ids[newest[key]])
    rows = sorted(newest.values(), key=lambda row: (columns[0][row], run_ids[row]))
    return records.take(pa.array(rows, pa.int64())), superseding


def finish_base(task: Task, written: Sequence[Compacted], timeout_s: float) -> Iterator[str]:
    """Write the manifest if all partitions are there, and delete bases that nobody reads any more.

    Args:
        task: the base.
        written: its partitions, in any order.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    plan = task.plan
    try:
        parts = {part.number: part for part in written}
        if sorted(parts) == list(range(plan.partitions)):  # else one has failed, and has said so
            base = _base_of(task, [parts[number] for number in sorted(parts)])
            yield write_manifest(plan.output, base, timeout_s)
            _remove_old(plan.output, {task.generation, plan.generation}, timeout_s)
    except Exception as error:
        _warn(plan.output, error)


def _base_of(task: Task, parts: Sequence[Compacted]) -> Base:
    former = task.plan.base.superseding if task.plan.base else ()  # what these replaced is lacking still
    return Base(
        task.generation,
        tuple(part.file for part in parts if part.file is not None),
        tuple(sorted(task.plan.runs.values(), key=lambda run: run.age)),
        tuple(sorted(frozenset(former).union(*(part.superseding for part in parts)))),
    )


def _remove_old(output: str, kept: set[str | None], timeout_s: float) -> None:
    """Delete bases that are neither in use nor just being written or read."""
    pattern = f"{paths.ledger_base_folder(escape_pattern(output), '*')}/*.parquet"
    old: dict[str, list[str]] = {}
    for file in files.match(pattern, timeout_s=timeout_s):
        generation = file.uri.rpartition("/")[0].rpartition("/base-")[2]
        if generation not in kept and time.time() - (file.updated_at_s or 0) > _KEPT_S:
            old.setdefault(generation, []).append(file.uri)
    for generation, found in old.items():
        if is_local(output):
            files.delete_folder(paths.ledger_base_folder(output, generation))
        else:
            for uri in found:
                files.delete(uri, timeout_s)
