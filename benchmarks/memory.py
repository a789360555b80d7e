"""Memory and start-up time of a run, for manifests of different lengths and several runners.

    python benchmarks/memory.py [--documents 100 400 1600] [--runners in_memory threads processes portable]
        [--missing] [--first_page] [--plot FILE.png] [--json] [JOB FLAGS]

Every measurement is ``run_pipeline.py`` on a manifest of small PDFs with a text layer, in processes of its
own; the most resident memory that each of them ever had is read from /proc and added up, children included
(pages that processes share count for each, and not all need have had their most at one time). ``--missing``
lists files that do not exist instead: nothing but the bookkeeping is left. ``--first_page`` ends each run at
its first page: what a long manifest costs before that.
Flags that this script does not know go to the job.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
EVERY_S = 0.5
sys.path.insert(0, str(ROOT))

from transforms.launch.processes import descendants  # noqa: E402 (needs the path)

RUNNERS = {
    "in_memory": ["--direct_num_workers=1"],
    "threads": ["--direct_num_workers=2", "--direct_running_mode=multi_threading"],
    "processes": ["--direct_num_workers=2", "--direct_running_mode=multi_processing"],
    "portable": ["--runner=PortableRunner", "--num_shards=1"],
}
# Text comes from the PDF, pages are small: memory is that of the job, not of an OCR engine.
JOB = ["--ocr_engine=none", "--pdf_text_layer=always", "--pdf_dpi=36", "--run_id=r", "--overwrite"]


@dataclass(frozen=True)
class Figures:
    """One run: seconds until the first page came out (None: none did) and to the end, and memory in MiB."""

    runner: str
    documents: int
    first_page_s: float | None
    run_s: float
    peak_mib: int


def main() -> int:
    arguments, job_flags = parse_arguments()
    figures = []
    with tempfile.TemporaryDirectory(prefix="beam-kie-memory-") as folder:
        for runner in arguments.runners:
            for count in arguments.documents:
                place = Path(folder) / f"{runner}-{count}"
                manifest = write_manifest(place, count, arguments.missing)
                figures.append(measure(runner, count, manifest, place, job_flags, arguments.first_page))
                print(row(figures[-1]), file=sys.stderr, flush=True)
                shutil.rmtree(place)
    print(json.dumps([asdict(each) for each in figures], indent=2) if arguments.json else table(figures))
    if arguments.plot:
        plot(figures, arguments.plot)
    return 0


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[100, 400, 1600])
    parser.add_argument("--runners", nargs="+", choices=RUNNERS, default=list(RUNNERS))
    parser.add_argument("--missing", action="store_true", help="a manifest of files that do not exist")
    parser.add_argument("--first_page", action="store_true", help="end each run at its first page")
    parser.add_argument("--plot", help="draw peak memory against documents into this file")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_known_args()


def write_manifest(place: Path, count: int, missing: bool) -> Path:
    """A manifest of ``count`` documents: links to one PDF, each a document of its own, or no files at all."""
    scans = place / "scans"
    scans.mkdir(parents=True)
    (place / "form.pdf").write_bytes(form_pdf())
    paths = [scans / f"{number:07d}.pdf" for number in range(count)]
    if not missing:
        for path in paths:
            path.symlink_to(place / "form.pdf")
    manifest = place / "manifest.csv"
    manifest.write_text("\n".join(["uri", *map(str, paths)]))
    return manifest


def form_pdf(lines: int = 20) -> bytes:
    """A one-page PDF with keys and values as text."""
    text = "".join(
        f"1 0 0 1 60 {780 - 30 * n} Tm (Field {n}:) Tj 1 0 0 1 300 {780 - 30 * n} Tm (value {n * n}) Tj "
        for n in range(lines)
    )
    content = f"BT /F1 12 Tf {text}ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    data, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % at for at in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    end = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(data))
    return data + head + end


def measure(
    runner: str, count: int, manifest: Path, place: Path, job_flags: list[str], first_page: bool
) -> Figures:
    """Run the job once and watch its processes."""
    command = [sys.executable, str(ROOT / "run_pipeline.py"), f"--manifest={manifest}"]
    command += [f"--output={place / 'out'}", *JOB, *RUNNERS[runner], *job_flags]
    environment = {**os.environ, "TMPDIR": str(place)}
    with servers(runner, place) as (server_pids, flags), (place / "log").open("w") as log:
        started = time.monotonic()
        process = subprocess.Popen([*command, *flags], env=environment, stdout=log, stderr=log, cwd=place)
        peak, first = 0, None
        while process.poll() is None:
            peak = max(peak, sum(map(tree_peak, [process.pid, *server_pids])))
            if first is None and any_page(place):
                first = round(time.monotonic() - started, 1)
                if first_page:
                    process.terminate()
            time.sleep(EVERY_S)
        run_s = round(time.monotonic() - started, 1)
    if process.returncode and not (first_page and first):
        raise SystemExit(f"the run failed:\n{(place / 'log').read_text()[-2000:]}")
    return Figures(runner, count, first, run_s, peak // MIB)


def tree_peak(pid: int) -> int:
    """Resident bytes of a process and of all that it started and that still run, each at its peak."""
    total = 0
    for each in [pid, *descendants(pid)]:
        with suppress(OSError):  # it has ended
            status = Path(f"/proc/{each}/status").read_text()
            total += sum(int(kib) for kib in re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)) * 1024
    return total


def any_page(place: Path) -> bool:
    """Whether a page's picture was written: the first thing that a run leaves."""
    return next((place / "out" / "overlays").glob("*/*/p*.jpg"), None) is not None


@contextmanager
def servers(runner: str, place: Path) -> Iterator[tuple[list[int], list[str]]]:
    """Where a runner needs them, a job server and a pool of workers: their processes, and flags for both."""
    if runner != "portable":
        yield [], []
        return
    beam = "apache_beam.runners"
    job_port, worker_port = free_port(), free_port()
    commands = [
        ["-m", f"{beam}.portability.local_job_service_main", f"--port={job_port}"],
        ["-m", f"{beam}.worker.worker_pool_main", f"--service_port={worker_port}"],
    ]
    # The pool starts workers as "python" from the PATH, and they find the job on PYTHONPATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TMPDIR": str(place)}
    processes = []
    try:
        with (place / "servers.log").open("w") as log:
            for command in commands:
                command = [sys.executable, *command]
                processes.append(
                    subprocess.Popen(command, env=environment, cwd=place, stdout=log, stderr=log)
                )
        wait_for([job_port, worker_port])
        flags = [f"--job_endpoint=localhost:{job_port}", "--environment_type=EXTERNAL"]
        yield [each.pid for each in processes], [*flags, f"--environment_config=localhost:{worker_port}"]
    finally:
        for process in processes:
            end(process)


def end(process: subprocess.Popen) -> None:
    """End a server and the workers that it started."""
    for pid in [*descendants(process.pid), process.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def wait_for(ports: Iterable[int], within_s: float = 600) -> None:
    """Wait until servers listen on all ``ports``."""
    last = time.monotonic() + within_s
    for port in ports:
        while True:
            try:
                socket.create_connection(("localhost", port), timeout=5).close()
                break
            except OSError:
                if time.monotonic() > last:
                    raise
                time.sleep(0.2)


COLUMNS = ("runner", "documents", "first page s", "whole run s", "peak MiB", "KiB a document more")


def table(figures: list[Figures]) -> str:
    """The figures as text; the last column compares with the line above, of the same runner."""
    lines = [header()]
    before: Figures | None = None
    for each in figures:
        same = before is not None and before.runner == each.runner and before.documents < each.documents
        lines.append(row(each, slope(before, each) if same else None))
        before = each
    return "\n".join(lines)


def slope(before: Figures, after: Figures) -> float:
    """KiB of peak memory that each further document took."""
    return (after.peak_mib - before.peak_mib) * 1024 / (after.documents - before.documents)


def header() -> str:
    return f"{COLUMNS[0]:<12}" + "".join(f"{name:>{len(name) + 3}}" for name in COLUMNS[1:])


def row(each: Figures, kib: float | None = None) -> str:
    first = "-" if each.first_page_s is None else f"{each.first_page_s:.1f}"
    cells = (f"{each.documents:,}", first, f"{each.run_s:.1f}", f"{each.peak_mib:,}")
    cells += ("" if kib is None else f"{kib:.1f}",)
    widths = [len(name) + 3 for name in COLUMNS[1:]]
    return f"{each.runner:<12}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)
    )


def plot(figures: list[Figures], path: str) -> None:
    """Peak memory against the number of documents, a line for every runner."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    chart, axes = pyplot.subplots(figsize=(7, 4), dpi=120)
    for runner, marker in zip(RUNNERS, "osD^", strict=True):
        points = [(each.documents, each.peak_mib) for each in figures if each.runner == runner]
        if points:
            axes.plot(*zip(*sorted(points), strict=True), marker=marker, label=runner.replace("_", " "))
    axes.set(xscale="log", xlabel="documents", ylabel="peak memory of all processes, MiB", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    chart.tight_layout()
    chart.savefig(path)


if __name__ == "__main__":
    sys.exit(main())
