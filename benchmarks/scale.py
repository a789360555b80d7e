"""A run of very many pages that is killed on its way and goes on: its rows, time and memory.

    python benchmarks/scale.py [--pages 20000] [--kill 0.1 0.5 0.99] [--runner threads] [--workers 2]
        [--input FOLDER] [--work_in FOLDER] [--no_compare] [--json] [JOB FLAGS]

Files, OCR and the model are stubs that yield pages of 20 lines, 20 entities and 10 pairs; all other steps are
those of the job: the manifest, parts, ``--resume``, tables, summary. With ``--input`` the real command reads
the scans of a folder instead, again and again under new names, as many as there shall be pages; flags that
this script does not know go to it.

The run is killed (SIGKILL) at the given shares of its pages, and started again each time; the last attempt
finishes. What is killed is the launcher; with ``--runner portable`` also the job server, the pool and its
workers. Then all rows are counted, and compared with those of a run that nobody disturbs, file by file.
Memory is the resident memory of all processes, CPU seconds are theirs, both read from /proc twice a second.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from beam_kie.tables.schema import ROW_ID, SCHEMAS  # noqa: E402 (needs the path)
from benchmarks.memory import end, servers  # noqa: E402
from benchmarks.scale_job import LINES, RUN_ID  # noqa: E402
from benchmarks.throughput import link  # noqa: E402
from transforms.launch.processes import descendants  # noqa: E402

MIB = 1024 * 1024
EVERY_S = 0.5
TOLD_EVERY_S = 15.0
ORPHANS_END_WITHIN_S = 120.0
PATIENCE_S = 30 * 24 * 3600
ONE_PAGE = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
RUNNERS = {
    "threads": ["--direct_running_mode=multi_threading"],
    "processes": ["--direct_running_mode=multi_processing"],
    "portable": ["--runner=PortableRunner"],
}


@dataclass(frozen=True)
class Attempt:
    """One start of the run: pages done before it and when it ended, its seconds, CPU seconds of all its
    processes, and their memory in MiB, by tenth of the pages."""

    before: int
    pages: int
    seconds: float
    cpu_s: float
    peak_mib: int
    mib_by_tenth: list[int]

    @property
    def cpu_ms_a_page(self) -> float | None:
        """CPU milliseconds of a page that this attempt did; of its start, too."""
        return 1000 * self.cpu_s / (self.pages - self.before) if self.pages > self.before else None


@dataclass(frozen=True)
class Work:
    """What is run: a command without its output, how many pages it has, and how."""

    command: list[str]
    pages: int
    runner: str
    flags: list[str]


def main() -> int:
    arguments, job_flags = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="beam-kie-scale-", dir=arguments.work_in) as folder:
        place = Path(folder)
        work = prepare(place, arguments, job_flags)
        out, shares = place / "out", (*sorted(arguments.kill), None)
        attempts = []
        for number, share in enumerate(shares, 1):
            if share is not None and kept_pages(out) >= share * work.pages:
                # Worker processes of a launcher that was killed go on for some seconds.
                print(f"{number} of {len(shares)}: more pages than that are kept already", file=sys.stderr)
                continue
            attempts.append(attempt(f"{number} of {len(shares)}", work, out, share))
        found = check(out, work.pages, is_stub=arguments.input is None)
        undisturbed = None
        if not arguments.no_compare:
            undisturbed = attempt("undisturbed", work, place / "undisturbed", None)
            compare(out, place / "undisturbed")
    if arguments.json:
        figures = {"attempts": [asdict(each) for each in attempts], **found}
        print(json.dumps(figures | {"undisturbed": undisturbed and asdict(undisturbed)}, indent=2))
        return 0
    print("\n".join(table(attempts, undisturbed)))
    print(f"taken over by the last attempt: {found['resumed']:,} documents; all rows are there, each once")
    if undisturbed is not None:
        print("all tables are those of the undisturbed run")
    return 0


def parse_arguments(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--kill", type=float, nargs="*", default=[0.1, 0.5, 0.99], help="shares of the pages")
    parser.add_argument("--runner", choices=RUNNERS, default="threads")
    parser.add_argument("--workers", type=int, default=2, help="threads or processes")
    parser.add_argument("--input", type=Path, help="a folder with pictures, each a page")
    parser.add_argument("--work_in", help="folder for all files, about 10 kB a page, with pictures 1 MB")
    parser.add_argument("--no_compare", action="store_true", help="without the undisturbed run")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_known_args(argv)


def prepare(place: Path, arguments: argparse.Namespace, job_flags: list[str]) -> Work:
    """The files that the run reads, and its command."""
    # Of a few pages only, parts are small, so that a killed run leaves some.
    part_pages = min(200, max(1, arguments.pages // 20))
    flags = [*RUNNERS[arguments.runner], f"--part_pages={part_pages}", *job_flags]
    if arguments.runner != "portable":
        flags.append(f"--direct_num_workers={arguments.workers}")
    if arguments.input is not None:
        scans = sorted(path for path in arguments.input.iterdir() if path.suffix.lower() in ONE_PAGE)
        if not scans:
            raise SystemExit(f"--input: no pictures in {arguments.input}")
        link(scans, arguments.pages, place / "scans")
        command = [sys.executable, str(ROOT / "run_pipeline.py"), f"--input={place / 'scans'}"]
        command += [f"--run_id={RUN_ID}", "--resume"]
        return Work(command, arguments.pages, arguments.runner, flags)
    manifest = place / "manifest.txt"
    manifest.write_text("\n".join(f"/nowhere/{number:09d}.pdf" for number in range(arguments.pages)))
    # Not as a script: workers import the functions of the job by the name of their module.
    code = "import sys; from benchmarks.scale_job import main; sys.exit(main())"
    command = [sys.executable, "-c", code, f"--manifest={manifest}"]
    if arguments.runner == "portable":
        flags.append(f"--job_server_timeout={PATIENCE_S}")  # so long the job server is waited for
    return Work(command, arguments.pages, arguments.runner, flags)


# ---------------------------------------------------------------- one attempt


def attempt(name: str, work: Work, out: Path, share: float | None) -> Attempt:
    """Start the run or go on with it, and kill it at ``share`` of its pages; None: let it finish."""
    before = kept_pages(out)
    earlier = set(scratch_folders(out))
    started = time.monotonic()
    with started_job(work, out) as (process, server_pids):
        watched = _Watch([process.pid, *server_pids])
        tenths, told, done = [0] * 10, started, before
        while process.poll() is None:
            # The count goes with the scratch folder when the run has ended.
            done = max(done, before + done_pages(out, earlier))
            resident = watched.look()
            tenth = min(9, 10 * done // work.pages)
            tenths[tenth] = max(tenths[tenth], resident // MIB)
            if share is not None and done >= share * work.pages:
                kill(process)
                break
            if time.monotonic() - told > TOLD_EVERY_S:
                told = time.monotonic()
                tell(name, work, done, done - before, told - started, watched)
            time.sleep(EVERY_S)
        process.wait()
        if share is None and process.returncode:
            raise SystemExit(f"the run failed:\n{_log(out).read_text()[-3000:]}")
        if share is not None and process.returncode != -signal.SIGKILL:
            raise SystemExit(f"the run ended before it could be killed:\n{_log(out).read_text()[-3000:]}")
    done = work.pages if share is None else before + done_pages(out, earlier)
    seconds = round(time.monotonic() - started, 1)
    tell(name, work, done, done - before, seconds, watched)
    return Attempt(before, done, seconds, round(watched.cpu_s, 1), watched.peak // MIB, tenths)


def kill(process: subprocess.Popen) -> None:
    """Kill the launcher. Its worker processes end by themselves; until then they may write parts."""
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(workers, timeout=ORPHANS_END_WITHIN_S)


@contextmanager
def started_job(work: Work, out: Path) -> Iterator[tuple[subprocess.Popen, list[int]]]:
    """The process of the run, and those of the servers that it needs, which end with the block."""
    out.parent.mkdir(exist_ok=True)
    servers_place = Path(tempfile.mkdtemp(prefix="servers-", dir=out.parent))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with servers(work.runner, servers_place) as (pids, flags), _log(out).open("a") as log:
        command = [*work.command, f"--output={out}", *work.flags, *flags]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=out.parent)
        try:
            yield process, pids
        finally:
            # Worker processes of a launcher that was killed end by themselves, or must be able to.
            if process.poll() is None:
                end(process)


def _log(out: Path) -> Path:
    return out.with_name(f"{out.name}.log")


def tell(name: str, work: Work, done: int, own: int, seconds: float, watched: _Watch) -> None:
    """A line of progress."""
    rate = own / max(seconds, 0.1)
    line = f"{name}: {done:,} of {work.pages:,} pages  {rate:.1f} pages/s  {seconds / 60:.1f} min"
    line += f"  {watched.now // MIB:,} MiB"
    print(line + (f"  {1000 * watched.cpu_s / own:.1f} ms CPU a page" if own else ""), file=sys.stderr)


class _Watch:
    """Memory and CPU time of processes and of all that they start.

    A process counts with the CPU time that was seen last.
    """

    def __init__(self, pids: Sequence[int]):
        self._pids = pids
        self._cpu_s: dict[int, float] = {}
        self.now = self.peak = 0

    @property
    def cpu_s(self) -> float:
        return sum(self._cpu_s.values())

    def look(self) -> int:
        """Resident bytes now."""
        self.now = 0
        for pid in {each for root in self._pids for each in (root, *descendants(root))}:
            with suppress(OSError, IndexError):  # it has ended
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                self.now += pages * os.sysconf("SC_PAGE_SIZE")
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self._cpu_s[pid] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
        self.peak = max(self.peak, self.now)
        return self.now


def scratch_folders(out: Path) -> list[Path]:
    """The scratch folders of the run, those of killed attempts included."""
    return sorted(out.glob(".beam-kie-scratch~*"))


def done_pages(out: Path, but: set[Path]) -> int:
    """Pages that this attempt has done so far; ``but`` are the scratch folders of those before."""
    counts = [folder / name for folder in scratch_folders(out) for name in ("pages_done", "pages_failed")]
    return sum(path.stat().st_size for path in counts if path.parent not in but and path.exists())


def kept_pages(out: Path) -> int:
    """How many pages the parts hold."""
    import pyarrow as pa

    kept: set[tuple[str, int]] = set()
    for path in (out / "parts" / f"run_id={RUN_ID}").glob("part-*.arrow"):
        part = pa.ipc.open_stream(path.read_bytes()).read_all()
        columns = (part.column(name).to_pylist() for name in ("stream", "document_id", "page"))
        entries = zip(*columns, strict=True)
        kept |= {(own, page) for stream, own, page in entries if page and stream in ("facts", "failures")}
    return len(kept)


# ---------------------------------------------------------------- what it left


def check(out: Path, pages: int, is_stub: bool) -> dict[str, Any]:
    """Count the rows of the finished run.

    Raises:
        SystemExit: rows are missing, or there are too many.
    """
    import duckdb

    summary = json.loads(summary_of(out).read_bytes())
    rows = {table: section["rows"] for table, section in summary["tables"].items()}
    expected = {"documents": pages}
    if is_stub:
        expected |= {"pages": pages, "lines": LINES * pages, "key_values": LINES // 2 * pages}
    ids = {"documents": "document_id", "pages": "page_id", "lines": "line_id", "key_values": "pair_id"}
    for table, identifier in ids.items():
        pattern = f"{out}/{table}/run_id={RUN_ID}/*.parquet"
        query = f"SELECT count(*), count(DISTINCT {identifier}) FROM '{pattern}'"
        (found,) = duckdb.sql(query).fetchall()
        if found != (expected.get(table, rows[table]),) * 2:
            raise SystemExit(f"{table}: {found} rows and ids, expected {expected.get(table, rows[table]):,}")
    if not summary["documents"]["counts_add_up"]:
        raise SystemExit("documents that went in and came out do not add up")
    files = {table: section["files"] for table, section in summary["tables"].items()}
    return {"resumed": summary["resumed"]["documents"], "rows": rows, "files": files}


def compare(out: Path, undisturbed: Path) -> None:
    """Compare all rows of all tables, of files that differ one by one, and what the summaries count.

    Raises:
        SystemExit: a row or a count differs.
    """
    import pyarrow.parquet as pq

    summaries = [json.loads(path.read_bytes()) for path in map(summary_of, (out, undisturbed))]
    for section in ("documents", "pages", "found", "failures", "tables", "overlays"):
        found, expected = (summary[section] for summary in summaries)
        if found != expected:
            raise SystemExit(f"summary: {section} are {found}, in the undisturbed run {expected}")
    for table in SCHEMAS:
        found, expected = (files_of(folder, table) for folder in (out, undisturbed))
        if [path.read_bytes() for path in found] == [path.read_bytes() for path in expected]:
            continue
        one, other = (pq.read_table(folder / table, partitioning=None) for folder in (out, undisturbed))
        identifier = ROW_ID.get(table, "document_id")
        if not one.sort_by(identifier).equals(other.sort_by(identifier)):
            raise SystemExit(f"{table}: rows differ from those of the undisturbed run")
        print(f"{table}: the same rows in other files", file=sys.stderr)


def summary_of(out: Path) -> Path:
    """The summary of the run."""
    return out / "runs" / f"run_id={RUN_ID}" / "summary.json"


def files_of(out: Path, table: str) -> list[Path]:
    """The files of a table in their order."""
    return sorted((out / table / f"run_id={RUN_ID}").glob("*.parquet"))


def table(attempts: Sequence[Attempt], undisturbed: Attempt | None) -> Iterator[str]:
    """The attempts, a line each."""
    yield "            pages done   seconds   CPU s   CPU ms/page   peak MiB   MiB by tenth of the pages"
    named = [*((str(number), each) for number, each in enumerate(attempts, 1)), ("undisturbed", undisturbed)]
    for name, each in named:
        if each is None:
            continue
        tenths = " ".join(map(str, each.mib_by_tenth))
        took = "-" if each.cpu_ms_a_page is None else f"{each.cpu_ms_a_page:.1f}"
        cells = f"{each.pages:>10,} {each.seconds:>9.1f} {each.cpu_s:>7.1f} {took:>13} {each.peak_mib:>10,}"
        yield f"{name:<11} {cells}   {tenths}"


if __name__ == "__main__":
    sys.exit(main())
