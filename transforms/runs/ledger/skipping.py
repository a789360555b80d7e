"""Leaves out what finished runs have done: the files of the input beside the records of the ledger.

Files are grouped by partition, and a worker looks them up in the records of one partition at a time. Beside
the files themselves only the records of runs that the base does not have are shuffled.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import AsSingleton, TaggedOutput
from apache_beam.transforms.window import GlobalWindows
from apache_beam.typehints.decorators import with_output_types
from apache_beam.utils.timestamp import MIN_TIMESTAMP

from beam_kie.document import Document, SourceFile, Status
from beam_kie.tables.schema import Provenance
from transforms.config import JobConfig
from transforms.metrics import count
from transforms.ptransform import Transform, outputs_of
from transforms.runs.earlier_runs import DoneDocument, find_done, known_unread, skipped_document
from transforms.runs.ledger.base import read_partition
from transforms.runs.ledger.plan import EarlierRun, Plan, document_files, made_alike, make_plan
from transforms.runs.ledger.records import by_partition, from_bytes, partition_of, read_records, to_bytes

SKIPPED, LEFT_OUT, UNDECIDED = "skipped", "left_out", "undecided"

_PACKED_FILES = 20_000
_SUCCESS, _FAILED_FOR_GOOD = Status.SUCCESS.value, (Status.PARTIAL.value, Status.FAILURE.value)


class Known(NamedTuple):
    """What the ledger says of a file.

    ``done`` are records that count for this run; ``newest`` is the run that holds the rows which readers of
    the tables find for the URI now, None where there are none.
    """

    done: list[DoneDocument]
    newest: str | None


class OnlyNew(Transform):
    """Leave out documents of earlier runs: PCollection[SourceFile] to three PCollections.

    ``new`` SourceFile is what is left to do. Of the others ``left_out`` int counts those that need no row,
    and ``skipped`` Document are those that do: because readers of the tables would find rows of another run,
    or because all are wanted. A document is done where a finished run that was made with the same models, OCR
    and options read the same bytes at the same URI, and nothing failed that may succeed now.

    Args:
        config: of the job.
        provenance: of this run: models, OCR and options.
    """

    def __init__(self, config: JobConfig, provenance: Provenance):
        super().__init__()
        self.config = config
        self.provenance = provenance

    def expand(self, sources):
        """Wire the plan, the records of recent runs and the look-up."""
        config, timeout_s = self.config, self.config.storage_timeout_s
        plan = (
            sources.pipeline
            | "Take output" >> beam.Create([config.output], reshuffle=False)
            | "Plan" >> beam.Map(make_plan, config.run_id, timeout_s).with_output_types(Plan)
        )
        recent = plan | "Read recent runs" >> ReadRecentRuns(timeout_s)
        packed = sources | "Pack by partition" >> beam.ParDo(PackFn(), AsSingleton(plan))
        looked_up = outputs_of(
            {"files": packed, "records": recent}
            | "Join by partition" >> beam.CoGroupByKey()
            | "Look up"
            >> beam.ParDo(LookUpFn(config, self.provenance), AsSingleton(plan)).with_outputs(
                SKIPPED, LEFT_OUT, main=UNDECIDED
            )
        )
        decided = outputs_of(
            looked_up[UNDECIDED]
            | "Spread files over workers" >> beam.Reshuffle()
            | "Decide" >> beam.ParDo(DecideFn(config)).with_outputs(SKIPPED, LEFT_OUT, main="new")
        )
        both = {
            name: (looked_up[name], decided[name]) | f"Put {name} together" >> beam.Flatten()
            for name in (SKIPPED, LEFT_OUT)
        }
        return {"new": decided["new"], **both}


class ReadRecentRuns(Transform):
    """PCollection[Plan], one, to PCollection[(partition, records as bytes)] of runs that the base lacks.

    Args:
        timeout_s: for how long transient errors of a storage are retried, in seconds.
    """

    def __init__(self, timeout_s: float):
        super().__init__()
        self.timeout_s = timeout_s

    def expand(self, plan):
        """Wire the tables of these runs."""
        return (
            plan
            | "Find tables of documents"
            >> beam.FlatMap(recent_files, self.timeout_s).with_output_types(tuple[str, str])
            | "Spread tables over workers" >> beam.Reshuffle()
            | "Read records"
            >> beam.FlatMap(records_by_partition, AsSingleton(plan), self.timeout_s).with_output_types(
                tuple[int, bytes]
            )
        )


def recent_files(plan: Plan, timeout_s: float) -> Iterator[tuple[str, str]]:
    """The files of ``documents`` of runs that the base lacks: the run's id and the path of each.

    Args:
        plan: what there is to read.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    for run in plan.others:
        yield from document_files(run, plan.output, timeout_s)


def records_by_partition(place: tuple[str, str], plan: Plan, timeout_s: float) -> Iterator[tuple[int, bytes]]:
    """The records in one file of ``documents``, as bytes, by partition.

    Args:
        place: the run's id, and the path of the file.
        plan: says how many partitions there are.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: the file is damaged.
    """
    run_id, path = place
    for records in read_records(path, run_id, timeout_s):
        for number, part in by_partition(records, plan.partitions):
            yield number, to_bytes(part)


@with_output_types(tuple[int, bytes])
class PackFn(beam.DoFn):
    """Packs the files of a bundle by partition: much less to shuffle than one element for each."""

    def start_bundle(self) -> None:
        """Begin with nothing."""
        self._files: dict[int, list[tuple[Any, ...]]] = {}
        self._waiting = 0

    def process(self, source: SourceFile, plan: Plan) -> Iterator[tuple[int, bytes]]:
        """Take one file; yield what waits where it is much.

        Args:
            source: the file.
            plan: says how many partitions there are.
        """
        number = partition_of(source.uri, plan.partitions)
        self._files.setdefault(number, []).append(_plain(source))
        self._waiting += 1
        if self._waiting >= _PACKED_FILES:
            yield from self._packed()

    def finish_bundle(self) -> Any:  # Beam declares None, but takes what is yielded
        """Yield the rest."""
        for pack in self._packed():
            yield GlobalWindows.windowed_value(pack, timestamp=MIN_TIMESTAMP)

    def _packed(self) -> Iterator[tuple[int, bytes]]:
        for number, known in self._files.items():
            yield number, zlib.compress(pickle.dumps(known), 1)
        self.start_bundle()


def _plain(source: SourceFile) -> tuple[Any, ...]:
    """The file as Beam encodes it in no time."""
    return source.uri, source.size_bytes, source.updated_at_s, source.source_version


def _unpacked(data: bytes) -> Iterator[SourceFile]:
    return (SourceFile(*known) for known in pickle.loads(zlib.decompress(data)))


@with_output_types(Any, skipped=Document, left_out=int)
class LookUpFn(beam.DoFn):
    """Decides of the files of a partition, as far as that is possible without reading them.

    Args:
        config: of the job.
        provenance: of this run.
    """

    def __init__(self, config: JobConfig, provenance: Provenance):
        self._config = config
        self._provenance = provenance

    def process(
        self, joined: tuple[int, Mapping[str, Iterable[bytes]]], plan: Plan
    ) -> Iterator[tuple[tuple[Any, ...], Known | None] | TaggedOutput]:
        """Yield new and undecided files with what is known of them; done ones as skipped, or a count of them.

        Args:
            joined: the partition; packs of files ("files") and records of recent runs ("records").
            plan: what there is to read.
        """
        number, found = joined
        packs = list(found["files"])
        if not packs:
            return
        base = read_partition(plan, number, plan.partitions, self._config.storage_timeout_s)
        recent = [from_bytes(data) for data in found["records"]]
        ledger = Ledger(pa.concat_tables([base, *recent]), plan, self._config, self._provenance)
        del base, recent
        left_out = 0
        for pack in packs:
            for source in _unpacked(pack):
                known = ledger.of(source.uri)
                done = known_unread(source, known.done)
                if done is None:
                    yield _plain(source), known if known.done else None
                elif needs_row(done, known, self._config):
                    yield TaggedOutput(SKIPPED, skipped_document(source, done))
                else:
                    left_out += 1
        count("documents_skipped", left_out)
        yield TaggedOutput(LEFT_OUT, left_out)


def needs_row(done: DoneDocument, known: Known, config: JobConfig) -> bool:
    """Whether a document that is done gets a row SKIPPED.

    Args:
        done: the record of it.
        known: what the ledger says of its URI.
        config: the job.
    """
    return config.rows.list_skipped or known.newest != done.run.run_id


@with_output_types(SourceFile, skipped=Document, left_out=int)
class DecideFn(beam.DoFn):
    """Decides of a file, which is read where nothing else tells whether its bytes are those of a record.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        self._config = config

    def process(self, looked_up: tuple[tuple[Any, ...], Known | None]) -> Iterator[SourceFile | TaggedOutput]:
        """Yield the file, or the document as skipped, or that one is left out.

        Args:
            looked_up: the file as its values, and what the ledger says of it; None: it is new.
        """
        values, known = looked_up
        source = SourceFile(*values)
        if known is None:
            yield source
            return
        source, done = find_done(source, known.done, self._config)
        if done is None:
            yield source
            return
        count("documents_skipped")
        if needs_row(done, known, self._config):
            yield TaggedOutput(SKIPPED, skipped_document(source, done))
        else:
            yield TaggedOutput(LEFT_OUT, 1)


class Ledger:
    """The records of one partition, by URI.

    Args:
        records: of the base and of recent runs.
        plan: what there is to read.
        config: the job.
        provenance: of this run.
    """

    def __init__(self, records: pa.Table, plan: Plan, config: JobConfig, provenance: Provenance):
        self._columns = {name: records.column(name).to_pylist() for name in records.column_names}
        self._runs = plan.runs
        self._alike: dict[str, EarlierRun] = {}
        for run in plan.runs.values():
            alike = made_alike(run, config, provenance)
            if alike is not None:
                self._alike[run.run_id] = alike
        # Nearly all files have one record: the few with more have theirs beside.
        self._rows: dict[str, int] = {}
        self._more: dict[str, list[int]] = {}
        for row, uri in enumerate(self._columns["uri"]):
            first = self._rows.setdefault(uri, row)
            if first != row:
                self._more.setdefault(uri, [first]).append(row)

    def of(self, uri: str) -> Known:
        """What is known of a file.

        Args:
            uri: of the file.
        """
        first = self._rows.get(uri)
        if first is None:
            return Known([], None)
        runs = self._columns["run_id"]
        rows = self._more.get(uri, (first,))
        newest = max(rows, key=lambda row: self._runs[runs[row]].age) if len(rows) > 1 else first
        done = [known for row in rows if (known := self._done(row)) is not None]
        return Known(done, self._columns["result_run_id"][newest] or runs[newest])

    def _done(self, row: int) -> DoneDocument | None:
        """The record where its document is done; what a run skipped is left to the run that it names."""
        columns = self._columns
        run = self._alike.get(columns["run_id"][row])
        status, sha256 = columns["status"][row], columns["content_sha256"][row]
        if run is None or sha256 is None:
            return None
        if status != _SUCCESS:
            failed_for_good = status in _FAILED_FOR_GOOD and columns["retryable_failure_count"][row] == 0
            if not (failed_for_good and run.fails_alike):
                return None
        return DoneDocument(
            run,
            sha256,
            columns["size_bytes"][row],
            columns["source_version"][row],
            columns["source_updated_at_s"][row],
            columns["format"][row],
            columns["page_count"][row],
        )
