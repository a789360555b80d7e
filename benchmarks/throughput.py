"""How fast the job is and how much memory it takes: pages/s against OCR alone, seconds by stage, flatness.

    python benchmarks/throughput.py --input FOLDER [--memory_pages 12 120] [--json] [JOB FLAGS]

Every measurement runs in a process of its own. Loading of models is measured, but is no part of pages/s.
Flags that this script does not know go to the job, for example ``--ocr_engine paddleocr``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
RUN_ID = "benchmark"
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Measure and print; the parent process imports nothing heavy, so that peaks are the children's own."""
    arguments, job_flags = parse_arguments()
    if arguments.measure:
        measure = {"ocr": measure_ocr, "job": measure_job}[arguments.measure]
        print(json.dumps(measure(arguments.input, arguments.output, job_flags)))
        return 0
    report = run_all(arguments, job_flags)
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    return 0


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--input", nargs="+", required=True, help="files or folders of scans")
    parser.add_argument("--limit", type=int, help="take only the first N files")
    parser.add_argument(
        "--memory_pages", type=int, nargs="*", default=[], help="numbers of files to show flat memory with"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--measure", choices=("ocr", "job"), help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    return parser.parse_known_args()


def run_all(arguments: argparse.Namespace, job_flags: list[str]) -> dict[str, Any]:
    files = sorted(islice(files_below(arguments.input), arguments.limit))
    if not files:
        raise SystemExit("--input holds no files")
    with tempfile.TemporaryDirectory(prefix="beam-kie-bench-") as folder:
        report = {
            "files": len(files),
            "cores": len(os.sched_getaffinity(0)),
            "ocr": in_child("ocr", link(files, len(files), folder, "ocr"), job_flags),
            "job": in_child("job", link(files, len(files), folder, "job"), job_flags),
            "memory": [
                in_child("job", link(files, count, folder, f"memory-{count}"), job_flags)
                for count in arguments.memory_pages
            ],
        }
    report["job_to_ocr"] = round(report["job"]["pages_per_s"] / report["ocr"]["pages_per_s"], 3)
    return report


def files_below(inputs: Iterable[str]) -> Iterator[Path]:
    for name in inputs:
        path = Path(name)
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def link(files: list[Path], count: int, folder: str, name: str) -> Path:
    """A folder with ``count`` links to the files, round and round: each is a document of its own."""
    place = Path(folder) / name / "scans"
    place.mkdir(parents=True)
    for number, path in enumerate(islice(cycle(files), count)):
        (place / f"{number:05d}-{path.name}").symlink_to(path.resolve())
    return place


def in_child(measure: str, scans: Path, job_flags: list[str]) -> dict[str, Any]:
    """Run one measurement in a fresh process and read its figures."""
    command = [sys.executable, __file__, "--measure", measure, "--input", str(scans)]
    command += ["--output", str(scans.parent / "out"), *job_flags]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure_ocr(scans: list[str], output: str, job_flags: list[str]) -> dict[str, Any]:
    """Decode and read page by page, without Beam; only reading counts."""
    from transforms.ocr import open_engine

    config = job_of(scans, output, job_flags).config
    started = time.perf_counter()
    engine = open_engine(config)
    load_s = time.perf_counter() - started
    pages = lines = 0
    seconds = cpu = 0.0
    for batch in batches(decoded(scans), config.ocr_batch_size):
        wall_before, cpu_before = time.perf_counter(), time.process_time()
        texts = engine.read(batch)
        seconds += time.perf_counter() - wall_before
        cpu += time.process_time() - cpu_before
        pages, lines = pages + len(texts), lines + sum(len(text.lines) for text in texts)
    return {**figures(pages, seconds, cpu, load_s), "lines": lines}


def decoded(scans: list[str]) -> Iterator[Any]:
    """The pages of all files, one at a time; what cannot be decoded is left out."""
    from beam_kie.document import DocumentError, PageImage
    from beam_kie.imaging import DecodeLimits, decode_pages

    for path in files_below(scans):
        try:
            pages = decode_pages(path.read_bytes(), "document", str(path), DecodeLimits())
        except DocumentError:
            continue
        yield from (page for page in pages if isinstance(page, PageImage))


def batches(pages: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Lists of ``size`` pages, the last one may be shorter."""
    while batch := list(islice(pages, size)):
        yield batch


def measure_job(scans: list[str], output: str, job_flags: list[str]) -> dict[str, Any]:
    """The whole job as ``run_pipeline.py`` runs it, without the start of Python."""
    import apache_beam as beam

    from transforms.layout import summary_path
    from transforms.pipeline import build

    job = job_of(scans, output, job_flags)
    started, cpu_started = time.perf_counter(), time.process_time()
    pipeline = beam.Pipeline(options=job.options)
    build(pipeline, job.config)
    build_s = time.perf_counter() - started
    result = pipeline.run()
    result.wait_until_finish()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    load_s = loading_seconds(result)
    summary = json.loads(Path(summary_path(output, RUN_ID)).read_text())
    pages = summary["pages"]["ok"] + summary["pages"]["failed"]
    stages = {name: round(stage["seconds"] / pages, 4) for name, stage in summary["stage_times"].items()}
    return {
        **figures(pages, seconds - build_s - load_s, cpu, load_s),
        "build_s": round(build_s, 2),
        "lines": summary["found"]["lines"],
        "failed": summary["pages"]["failed"],
        "seconds_per_page": stages,
    }


def job_of(scans: list[str], output: str, job_flags: list[str]):
    """The job that the command line would run."""
    from transforms.arguments import parse_arguments
    from transforms.checks import prepare_job

    argv = ["--input", *scans, "--output", output, "--run_id", RUN_ID, *job_flags]
    return prepare_job(*parse_arguments(argv))


def loading_seconds(result) -> float:
    """How long the models took to load, as RunInference measured it."""
    from apache_beam.metrics import MetricsFilter

    name = "load_model_latency_milli_secs"
    found = result.metrics().query(MetricsFilter().with_name(name))["distributions"]
    return sum(distribution.committed.sum for distribution in found) / 1000


def figures(pages: int, seconds: float, cpu: float, load_s: float) -> dict[str, Any]:
    """What is reported of every measurement; the peak is the resident memory of the whole process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "pages": pages,
        "pages_per_s": round(pages / seconds, 4),
        "wall_s_per_page": round(seconds / pages, 3),
        "cpu_s_per_page": round(cpu / pages, 3),
        "peak_mib": round(peak / MIB),
        "load_s": round(load_s, 2),
    }


def table(report: dict[str, Any]) -> str:
    """The figures for a reader."""
    columns = ("pages", "pages_per_s", "wall_s_per_page", "cpu_s_per_page", "peak_mib", "load_s")
    rows = [("OCR alone", report["ocr"]), ("job", report["job"])]
    rows += [(f"job, {figures['pages']} pages", figures) for figures in report["memory"]]
    lines = [f"{report['files']} files, {report['cores']} cores", ""]
    lines.append(" " * 16 + "".join(f"{column:>17}" for column in columns))
    lines += [f"{name:<16}" + "".join(f"{row[column]:>17}" for column in columns) for name, row in rows]
    lines += [
        "",
        f"job / OCR alone: {report['job_to_ocr']:.2f} of its pages/s",
        "",
        "seconds per page by stage",
    ]
    stages = report["job"]["seconds_per_page"]
    whole = sum(stages.values())
    lines += [f"  {stage:<10}{seconds:>9.4f}{seconds / whole:>8.1%}" for stage, seconds in stages.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
