"""Nights with --skip_done over a growing archive: what the last costs, against the first ones.

    python benchmarks/ledger.py [--files 1000000] [--nights 30] [--new 0.01] [--without] [--json]

The first night does all files, each one after it has a share of new ones. The listing of the storage is
emulated: URIs gs:// with generations. Measured is what --skip_done does: the plan, reading the ledger, the
look-up of every file and, at the end of the night, the compaction, as steps of a pipeline in one process.
The tables of a night are written by this program, as the job would write them. Files are looked up in the
first two nights and in the last; those between only leave their tables and compact (--all: in every night).
--without deletes the ledger before the last night, which then reads every table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MIB = 1024 * 1024
SHARDS = 8


@dataclass(frozen=True)
class Night:
    """Seconds of the look-up and of the compaction, those of the CPU too, and what they read and wrote."""

    number: int
    files: int
    new: int
    seconds: float
    cpu_seconds: float
    read_mib: float
    compacting_seconds: float
    compacting_cpu_seconds: float
    written_mib: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--new", type=float, default=0.01, help="share of the files that is new each night")
    parser.add_argument("--all", action="store_true", help="look up in all nights")
    parser.add_argument("--without", action="store_true", help="delete the ledger before the last night")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beam-kie-ledger-") as folder:
        nights = []
        for number in range(arguments.nights):
            files = arguments.files + round(number * arguments.new * arguments.files)
            if arguments.without and number == arguments.nights - 1:
                (Path(folder) / "ledger" / "manifest.json").unlink(missing_ok=True)
            known = nights[-1].files if nights else 0
            measured = arguments.all or number in (0, 1, arguments.nights - 1)
            nights.append(night(folder, number, known, files, measured))
            if not arguments.json:
                print(told(nights[-1]), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if arguments.json:
        print(json.dumps({"nights": [asdict(each) for each in nights], "peak_mib": peak}, indent=2))
    else:
        print(f"peak memory of the process: {peak:,} MiB")
    return 0


def told(night: Night) -> str:
    return (
        f"night {night.number + 1:>2}: {night.files:>9,} files, {night.new:>9,} new   "
        f"look-up {night.seconds:>6.1f} s ({night.cpu_seconds:>5.1f} s CPU), "
        f"{night.read_mib:>5.1f} MiB read   "
        f"compaction {night.compacting_seconds:>5.1f} s ({night.compacting_cpu_seconds:>4.1f} s CPU), "
        f"{night.written_mib:>5.1f} MiB written"
    )


def night(output: str, number: int, known: int, files: int, measured: bool) -> Night:
    """One night: look all files up, write the tables of the new ones, keep the ledger."""
    from beam_kie.options import from_values
    from transforms.config import JobConfig

    run_id = f"night-{number:02d}"
    config = from_values(JobConfig, {"output": output, "run_id": run_id, "skip_done": True})
    with Counted() as looked_up:
        new = look_up(config, files) if measured else files - known
    if new != files - known:
        raise SystemExit(f"{run_id}: {new:,} files are new, expected {files - known:,}")
    write_tables(output, run_id, number, known, files)
    with Counted() as compacted:
        compact(config)
    return Night(
        number=number,
        files=files,
        new=new,
        seconds=looked_up.seconds,
        cpu_seconds=looked_up.cpu_seconds,
        read_mib=looked_up.read / MIB,
        compacting_seconds=compacted.seconds,
        compacting_cpu_seconds=compacted.cpu_seconds,
        written_mib=compacted.written / MIB,
    )


class Counted:
    """Counts seconds, and the bytes that go through the job's storage."""

    def __enter__(self) -> Counted:
        from transforms.storage import files

        self.read = self.written = 0
        self._read, self._write, self._files = files.read_bytes, files.write_bytes, files

        def read_bytes(*arguments, **options):
            data = self._read(*arguments, **options)
            self.read += len(data)
            return data

        def write_bytes(path, data, *arguments):
            self.written += len(data)
            return self._write(path, data, *arguments)

        self._put(read_bytes, write_bytes)
        self._started, self._cpu = time.monotonic(), time.process_time()
        return self

    def __exit__(self, *_) -> None:
        self.seconds = round(time.monotonic() - self._started, 1)
        self.cpu_seconds = round(time.process_time() - self._cpu, 1)
        self._put(self._read, self._write)

    def _put(self, read_bytes, write_bytes) -> None:
        self._files.__dict__["read_bytes"] = read_bytes
        self._files.__dict__["write_bytes"] = write_bytes


def look_up(config, files: int) -> int:
    """How many of the files are new."""
    import apache_beam as beam

    from transforms.ptransform import outputs_of
    from transforms.runs.ledger.skipping import OnlyNew

    step = 10_000
    with tempfile.TemporaryDirectory() as place:
        started = pipeline()
        sources = (
            started
            | beam.Create([(start, min(start + step, files)) for start in range(0, files, step)])
            | "List" >> beam.FlatMap(listed)
        )
        found = outputs_of(sources | OnlyNew(config, provenance()))
        new = found["new"] | "Count new" >> beam.combiners.Count.Globally()
        left_out = found["left_out"] | "Add up" >> beam.CombineGlobally(sum)
        _ = new | "Keep new" >> beam.Map(keep, f"{place}/new")
        _ = left_out | "Keep left out" >> beam.Map(keep, f"{place}/left_out")
        started.run().wait_until_finish()
        counts = {name: int(Path(place, name).read_text()) for name in ("new", "left_out")}
    if sum(counts.values()) != files:
        raise SystemExit(f"{files:,} files went in, {counts} came out")
    return counts["new"]


def keep(number: int, path: str) -> None:
    Path(path).write_text(str(number))


def compact(config) -> None:
    import apache_beam as beam

    from transforms.runs.ledger.compacting import KeepLedger

    started = pipeline()
    _ = started | beam.Create(["summary.json"]) | KeepLedger(config)
    started.run().wait_until_finish()


def pipeline():
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    return beam.Pipeline("FnApiRunner", PipelineOptions(["--direct_num_workers=1"]))


def provenance():
    from beam_kie.tables.schema import Provenance

    return Provenance("none", "1", "stub", "1", "0" * 16)


def listed(numbers: tuple[int, int]):
    """The files of a part of the listing."""
    from beam_kie.document import SourceFile

    for number in range(*numbers):
        yield SourceFile(uri_of(number), 100_000, 1_700_000_000.0 + number, str(number))


def uri_of(number: int) -> str:
    return f"gs://scans/{number // 10_000:05d}/scan-{number:09d}.pdf"


def write_tables(output: str, run_id: str, number: int, known: int, files: int) -> None:
    """The table of documents and the summary of a night that read files from ``known`` on."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from beam_kie import __version__
    from beam_kie.options import values_of
    from beam_kie.tables.schema import SCHEMAS
    from transforms.config import JobConfig
    from transforms.runs import paths

    schema = SCHEMAS["documents"]
    for shard in range(SHARDS):
        mine = range(known + shard, files, SHARDS)
        given = {
            "uri": [uri_of(each) for each in mine],
            "content_sha256": [hashlib.sha256(str(each).encode()).hexdigest() for each in mine],
            "document_id": [hashlib.md5(str(each).encode()).hexdigest() for each in mine],
            "size_bytes": [100_000] * len(mine),
            "source_version": [str(each) for each in mine],
            "status": ["SUCCESS"] * len(mine),
            "format": ["pdf"] * len(mine),
        }
        columns = [
            pa.array(given[field.name], field.type)
            if field.name in given
            else pa.nulls(len(mine), field.type)
            if field.nullable
            else pa.array([0] * len(mine)).cast(field.type)
            for field in schema
        ]
        path = Path(paths.table_path(output, "documents", run_id, shard, SHARDS))
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")
    values = values_of(JobConfig(output=output, run_id=run_id))
    began = f"2026-01-{number + 1:02d}T02:00:00Z"
    summary = {
        "run_id": run_id,
        "beam_kie_version": __version__,
        "started_at": began,
        "finished_at": began,
        "provenance": asdict(provenance()),
        "options": values,
        "tables": {"documents": {"rows": files - known, "files": SHARDS}},
    }
    path = Path(paths.summary_path(output, run_id))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary, default=str))


if __name__ == "__main__":
    sys.exit(main())
