"""A run of very many pages that is killed on its way and goes on: rows and memory of the writing side.

    python benchmarks/scale.py [--pages 20000] [--kill 0.5 0.99] [--workers 2] [--json]

Files, OCR and the model are stubs that yield pages of 20 lines, 20 entities and 10 pairs; all other steps are
those of the job: the manifest, parts, ``--resume``, tables, summary. The run is a process of its own. It is
killed (SIGKILL) at the given shares of its pages, and started again each time; the last attempt finishes.
Then the rows are counted. Memory is the resident memory of the process, read from /proc twice a second.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MIB = 1024 * 1024
EVERY_S = 0.5
LINES = 20
PATIENCE_S = 24 * 3600


@dataclass(frozen=True)
class Attempt:
    """One process: pages done when it ended, its seconds, and its memory in MiB by tenth of the pages."""

    pages: int
    seconds: float
    peak_mib: int
    mib_by_tenth: list[int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--kill", type=float, nargs="*", default=[0.5, 0.99], help="shares of the pages")
    parser.add_argument("--workers", type=int, default=2, help="threads")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run_job(Path(arguments.child), arguments.workers)
        return 0
    with tempfile.TemporaryDirectory(prefix="beam-kie-scale-") as folder:
        place = Path(folder)
        uris = (f"/nowhere/{number:09d}.pdf" for number in range(arguments.pages))
        (place / "manifest.txt").write_text("\n".join(uris))
        attempts = [attempt(place, arguments, share) for share in (*arguments.kill, None)]
        found = check(place, arguments.pages)
    if arguments.json:
        print(json.dumps({"attempts": [asdict(each) for each in attempts], **found}, indent=2))
        return 0
    print("pages done   seconds   peak MiB   MiB by tenth of the pages")
    for each in attempts:
        tenths = " ".join(map(str, each.mib_by_tenth))
        print(f"{each.pages:>10,} {each.seconds:>9.1f} {each.peak_mib:>10,}   {tenths}")
    print(f"taken over by the last attempt: {found['resumed']:,} documents; all rows are there, each once")
    return 0


def attempt(place: Path, arguments: argparse.Namespace, share: float | None) -> Attempt:
    """Start the run or go on with it, and kill it at ``share`` of its pages; None: let it finish."""
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=place))
    command = [sys.executable, __file__, "--child", str(place), "--workers", str(arguments.workers)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "BEAM_KIE_SCRATCH": str(scratch)}
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment)
    kept = _kept(place)
    peak, tenths = 0, [0] * 10
    while process.poll() is None:
        done = kept + _size(scratch / "pages_done")
        resident = _resident(process.pid)
        peak = max(peak, resident)
        tenth = min(9, 10 * done // arguments.pages)
        tenths[tenth] = max(tenths[tenth], resident // MIB)
        if share is not None and done >= share * arguments.pages:
            process.send_signal(signal.SIGKILL)
        time.sleep(EVERY_S)
    if share is None and process.returncode:
        raise SystemExit("the run failed")
    done = kept + _size(scratch / "pages_done")
    return Attempt(done, round(time.monotonic() - started, 1), peak // MIB, tenths)


def _kept(place: Path) -> int:
    """How many pages the parts hold, as far as whole documents count."""
    import pyarrow as pa

    kept = 0
    for path in (place / "out" / "parts" / "run_id=r").glob("part-*.arrow"):
        table = pa.ipc.open_stream(path.read_bytes()).read_all()
        kept += table.column("stream").to_pylist().count("documents")
    return kept


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def check(place: Path, pages: int) -> dict[str, Any]:
    """Count the rows of the finished run.

    Raises:
        SystemExit: rows are missing, or there are too many.
    """
    import duckdb

    summary = json.loads((place / "out" / "runs" / "run_id=r" / "summary.json").read_bytes())
    expected = {"documents": pages, "pages": pages, "lines": LINES * pages, "key_values": LINES // 2 * pages}
    for table, rows in expected.items():
        key = {"documents": "document_id", "pages": "page_id", "lines": "line_id", "key_values": "pair_id"}
        pattern = f"{place}/out/{table}/run_id=r/*.parquet"
        query = f"SELECT count(*), count(DISTINCT {key[table]}) FROM '{pattern}'"
        (found,) = duckdb.sql(query).fetchall()
        if found != (rows, rows):
            raise SystemExit(f"{table}: {found} rows and ids, expected {rows:,}")
    files = {table: section["files"] for table, section in summary["tables"].items()}
    return {"resumed": summary["resumed"]["documents"], "files": files}


# ---------------------------------------------------------------- the process that is killed


def run_job(place: Path, workers: int) -> None:
    """Run the job with stubs for files, OCR and the model."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_kie.options import from_values
    from transforms import pipeline as job
    from transforms.config import JobConfig
    from transforms.launch.local_runner import no_timed_flush
    from transforms.runs import folders

    values = {
        "output": str(place / "out"),
        "run_id": "r",
        "manifest": str(place / "manifest.txt"),
        "ocr_engine": "none",
        "overlays": "none",
        "resume": True,
    }
    config = from_values(JobConfig, {**values, "scratch": os.environ["BEAM_KIE_SCRATCH"]})
    folders.clear_run(config.output, config.run_id, without_work=True)
    job.read_pages = stub_read
    job.FindEntities = lambda config, _handler: stub_model(config.scratch)
    flags = [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]
    pipeline = beam.Pipeline("FnApiRunner", PipelineOptions(flags))
    job.build(pipeline, config)
    with no_timed_flush():
        pipeline.run().wait_until_finish()


def stub_read(sources, _config, _pictures, **_of_ranges):
    """Every source as a document of one page with given lines."""
    import apache_beam as beam

    from transforms.pipeline import Read

    outputs = ("documents", "failures", "ranges")
    read = sources | "Read stubs" >> beam.ParDo(read_one).with_outputs(*outputs, main="pages")
    none = sources.pipeline | "No times" >> beam.Create([], reshuffle=False)
    return Read(read.pages, read.documents, read.failures, {"reading": none}, read.ranges)


def read_one(source):
    """The page of a source, then its document."""
    from apache_beam.pvalue import TaggedOutput

    from beam_kie.document import Document, PageText, TextLine, document_id

    number = int(source.uri[-13:-4])
    own = document_id(source.uri, f"{number:064x}")
    lines = tuple(
        TextLine(
            f"{'value' if n % 2 else 'key'} {number + n}", (10, 20 * n, 90, 20 * n, 90, 20 * n + 15), 0.9
        )
        for n in range(LINES)
    )
    yield PageText(own, source.uri, 1, 600, 800, lines=lines)
    document = Document(own, source.uri, f"{number:064x}", 1000, None, "pdf", 1)
    yield TaggedOutput("documents", document)


def stub_model(scratch: str):
    """A step that takes lines for keys and values in turn."""
    import apache_beam as beam

    names = ("failed_pages", "failures", "times")
    return beam.ParDo(find_all, scratch).with_outputs(*names, main="results")


def find_all(page, scratch: str):
    """The result of a page."""
    from beam_kie.document import Entity, LineSpan, PageResult, Relation
    from transforms.progress import record

    entities = tuple(
        Entity(
            "ANSWER" if n % 2 else "QUESTION",
            line.text,
            line.polygon,
            0.9,
            (LineSpan(n, 0, len(line.text)),),
        )
        for n, line in enumerate(page.lines)
    )
    record(scratch)
    yield PageResult(page, entities, tuple(Relation(n, n + 1, 0.8) for n in range(0, len(entities), 2)))


if __name__ == "__main__":
    sys.exit(main())
