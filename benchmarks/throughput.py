"""What a page costs: the job in several settings, and PaddleOCR's scripts as a baseline, on the same pages.

    python benchmarks/throughput.py --input FOLDER [--rows NAME ...] [--limit 12] [--repeat 1] [--json]
        [JOB FLAGS]

Every measurement is a program of its own: ``run_pipeline.py``, or ``baseline.py`` beside this file. Each runs
twice, on a few scans and on all: the difference is what pages cost, and "start s" what a run costs besides
(Python, imports, models, six tables). Seconds are medians over --repeat rounds; memory is that of all
processes together. Flags that this script does not know go to the job in all of its rows.
Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import emulator  # noqa: E402 (needs the path)
from benchmarks.stages import REST  # noqa: E402
from benchmarks.watching import Usage, watch  # noqa: E402

FEW = 2
RUN_ID = "benchmark"
STAGES = "stages"


@dataclass(frozen=True)
class Row:
    """A setting: what it is, and the flags of the job (None: the baseline)."""

    text: str
    flags: Sequence[str] | None = None
    baseline: str = ""
    in_cloud: bool = False


_ONE = ("--direct_num_workers=1", "--ocr_threads=1")
_THREADS = ("--direct_num_workers=2", "--direct_running_mode=multi_threading", "--ocr_threads=2")
_PROCESSES = ("--direct_num_workers=2", "--direct_running_mode=multi_processing", "--ocr_threads=1")
_PADDLE = ("--ocr_engine=paddleocr", "--ocr_max_side=960", "--ocr_detect_rotation=false")
ROWS = {
    "one": Row("job, 1 worker on 1 core", _ONE),
    "threads": Row("job, 2 threads", _THREADS),
    "in-process": Row("job, no page isolation", (*_THREADS, "--page_isolation=off")),
    "processes": Row("job, 2 processes", _PROCESSES),
    "gcs": Row("job, gs:// (emulator)", _THREADS, in_cloud=True),
    "paddle": Row("job, baseline's OCR", (*_THREADS, *_PADDLE)),
    "baseline": Row("baseline, our weights", baseline="bundled"),
    "baseline-full": Row("baseline, LayoutXLM-base", baseline="layoutxlm"),
}


@dataclass(frozen=True)
class Figures:
    """What a row costs. Of the pages alone, but for ``start_s`` and ``peak_mib``; None: too quick to tell."""

    pages: int
    pages_per_s: float | None
    cpu_s_per_page: float | None
    start_s: float
    peak_mib: int
    baseline_cpu_s: dict[str, float] | None = None


def main() -> int:
    arguments, job_flags = parse_arguments()
    report = run_all(arguments, job_flags)
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    return 0


def parse_arguments(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    rows = "\n".join(f"  {name:<12}{row.text}" for name, row in ROWS.items())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\nrows:\n{rows}\n  {STAGES:<12}CPU seconds by stage, one worker",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--input", nargs="+", required=True, help="files or folders of scans of one page")
    every = [*ROWS, STAGES]
    parser.add_argument("--rows", nargs="+", choices=every, default=every, metavar="NAME")
    parser.add_argument(
        "--limit", type=int, default=12, help="how many scans; repeated where there are fewer"
    )
    parser.add_argument("--repeat", type=int, default=1, help="rounds; medians are reported")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments, job_flags = parser.parse_known_args(argv)
    if arguments.limit <= FEW:
        parser.error(f"--limit must be more than {FEW}")
    return arguments, job_flags


def run_all(arguments: argparse.Namespace, job_flags: list[str]) -> dict[str, Any]:
    files = list(islice(files_below(arguments.input), arguments.limit))
    if not files:
        raise SystemExit("--input holds no files")
    names = [name for name in ROWS if name in arguments.rows]
    with tempfile.TemporaryDirectory(prefix="beam-kie-bench-") as folder, ExitStack() as stack:
        place = Path(folder)
        scans = [link(files, count, place / f"scans-{count}") for count in (FEW, arguments.limit)]
        if any(ROWS[name].in_cloud for name in names):
            stack.enter_context(emulator.cloud_storage(place))
            for one in scans:
                emulator.upload(sorted(one.iterdir()), one.name)
        report: dict[str, Any] = {"scans": arguments.limit, "cores": len(os.sched_getaffinity(0)), "rows": {}}
        for name in names:
            rounds = [[measure(ROWS[name], one, job_flags) for one in scans] for _ in range(arguments.repeat)]
            report["rows"][name] = asdict(figures(rounds))
            print(f"{name}: {report['rows'][name]}", file=sys.stderr)
        if STAGES in arguments.rows:
            report[STAGES] = stages_of(*scans, place / "stages", job_flags)
    return report


def files_below(inputs: Iterable[str]) -> Iterator[Path]:
    for name in inputs:
        path = Path(name)
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def link(files: list[Path], count: int, place: Path) -> Path:
    """A folder with ``count`` links to the files, round and round: each is a document of its own."""
    place.mkdir(parents=True)
    for number, path in enumerate(islice(cycle(files), count)):
        (place / f"{number:05d}-{path.name}").symlink_to(path.resolve())
    return place


def measure(row: Row, scans: Path, job_flags: list[str]) -> tuple[Usage, dict[str, Any]]:
    """Run a row on the scans once: what it took, and its own figures (``pages`` among them)."""
    if row.flags is None:
        usage = watch(
            [sys.executable, "benchmarks/baseline.py", "--input", str(scans), "--model", row.baseline]
        )
        return usage, json.loads(usage.output.splitlines()[-1])
    root = f"gs://{emulator.BUCKET}" if row.in_cloud else str(scans.parent)
    command = [
        sys.executable,
        "run_pipeline.py",
        "--input",
        f"{root}/{scans.name}/*",
        "--output",
        f"{root}/out",
    ]
    usage = watch([*command, f"--run_id={RUN_ID}", "--overwrite", *row.flags, *job_flags])
    name = f"out/runs/run_id={RUN_ID}/summary.json"
    summary = json.loads(emulator.download(name) if row.in_cloud else (scans.parent / name).read_bytes())
    return usage, {"pages": summary["pages"]["ok"] + summary["pages"]["failed"]}


def figures(rounds: Sequence[Sequence[tuple[Usage, dict[str, Any]]]]) -> Figures:
    """Medians over rounds, each of which is a run on a few scans and one on all."""
    few, all_ = (rounds[0][index][1] for index in (0, 1))
    pages = all_["pages"] - few["pages"]
    few_s, all_s = (statistics.median(one[index][0].wall_s for one in rounds) for index in (0, 1))
    cpu = statistics.median(one[1][0].cpu_s - one[0][0].cpu_s for one in rounds) / pages
    seconds = (all_s - few_s) / pages
    stages = all_.get("cpu_s")
    return Figures(
        pages=all_["pages"],
        pages_per_s=round(1 / seconds, 4) if seconds > 0 else None,
        cpu_s_per_page=round(cpu, 3) if cpu > 0 else None,
        start_s=round(few_s - max(seconds, 0) * few["pages"], 1),
        peak_mib=max(one[1][0].peak_mib for one in rounds),
        baseline_cpu_s=stages and {name: round(value / all_["pages"], 4) for name, value in stages.items()},
    )


def stages_of(few: Path, scans: Path, output: Path, job_flags: list[str]) -> dict[str, float]:
    command = [sys.executable, "benchmarks/stages.py", "--few", str(few), "--input", str(scans)]
    return json.loads(watch([*command, "--output", str(output), *job_flags]).output.splitlines()[-1])


# ---------------------------------------------------------------- for a reader


def table(report: dict[str, Any]) -> str:
    """All figures as text."""
    rows = report["rows"]
    lines = [f"{report['scans']} scans, {report['cores']} cores", ""]
    if rows:
        columns = ("pages/s", "of baseline", "CPU s/page", "start s", "peak MiB")
        lines.append(" " * 24 + "".join(f"{column:>12}" for column in columns))
        lines += [_row_text(name, row, rows.get("baseline")) for name, row in rows.items()]
        lines += ["", *_ratios(rows)]
    if STAGES in report:
        lines += ["", "CPU seconds a page of the job, one worker", *_shares(report[STAGES])]
        outside = 1 - sum(report[STAGES].get(name, 0) for name in ("ocr", "model")) / sum(
            report[STAGES].values()
        )
        lines.append(f"  outside OCR and model: {outside:.1%}")
    for name, row in rows.items():
        if row["baseline_cpu_s"]:
            lines += ["", f"CPU seconds a page of the {ROWS[name].text}", *_shares(row["baseline_cpu_s"])]
    return "\n".join(lines)


def _row_text(name: str, row: dict[str, Any], baseline: dict[str, Any] | None) -> str:
    ratio = _ratio(row, baseline)
    cells = (
        "-" if row["pages_per_s"] is None else f"{row['pages_per_s']:.3f}",
        "-" if ratio is None else f"{ratio:.2f}",
        "-" if row["cpu_s_per_page"] is None else f"{row['cpu_s_per_page']:.3f}",
        row["start_s"],
        row["peak_mib"],
    )
    return f"{ROWS[name].text:<24}" + "".join(f"{cell!s:>12}" for cell in cells)


def _ratio(row: dict[str, Any] | None, other: dict[str, Any] | None) -> float | None:
    if not (row and other and row["pages_per_s"] and other["pages_per_s"]):
        return None
    return row["pages_per_s"] / other["pages_per_s"]


def _ratios(rows: dict[str, Any]) -> list[str]:
    """What the rows are there to tell."""
    questions = (
        ("threads", "baseline", "job (2 threads) / baseline with the same weights"),
        ("threads", "baseline-full", "job (2 threads) / baseline as published (LayoutXLM-base twice)"),
        ("paddle", "baseline", "job / baseline with the same OCR and weights: batches and overlap alone"),
        ("threads", "one", "2 threads / 1 worker"),
        ("threads", "in-process", "2 threads, with page isolation / without"),
        ("processes", "one", "2 processes / 1 worker"),
        ("gcs", "threads", "gs:// / local files"),
    )
    answers = [(text, _ratio(rows.get(name), rows.get(other))) for name, other, text in questions]
    return [f"  {ratio:5.2f}  {text}" for text, ratio in answers if ratio is not None]


def _shares(stages: dict[str, float]) -> list[str]:
    whole = sum(stages.values())
    order = sorted(stages, key=lambda name: (name == REST, -stages[name]))
    return [f"  {name:<10}{stages[name]:>9.4f}{stages[name] / whole:>8.1%}" for name in order]


if __name__ == "__main__":
    sys.exit(main())
