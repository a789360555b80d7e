"""How long a run takes from its start to its first picture, and to its end.

    python benchmarks/start.py [--page FILE] [--rounds 3] [--engines ppocr rapidocr] [--roots FOLDER ...]
        [JOB FLAGS]

Every measurement is a run of ``run_pipeline.py`` on one page, and reading starts with it: engines, and the
folders of --roots (other versions of this repository beside it, run with this Python), take turns. A run
before the first round fills the cache of prepared networks. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LOOK_EVERY_S = 0.01


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    arguments, flags = parse_arguments(argv)
    spent: dict[tuple[Path, str], list[tuple[float, float]]] = defaultdict(list)
    for number in range(arguments.rounds + 1):
        for root in arguments.roots:
            for engine in arguments.engines:
                seconds = run(root, engine, arguments.page, flags)
                if number:
                    spent[root, engine].append(seconds)
    print(f"{'':40}{'first picture, s':>30}{'end, s':>30}")
    for (root, engine), rounds in spent.items():
        cells = (_cell([one[which] for one in rounds]) for which in (0, 1))
        print(f"{f'{root.name} {engine}':40}" + "".join(f"{cell:>30}" for cell in cells))
    return 0


def parse_arguments(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """The options, and the flags that are left for the job."""
    parser = argparse.ArgumentParser(
        prog="benchmarks/start.py", description="How long a run takes to its first picture, and to its end."
    )
    parser.add_argument("--page", type=Path, default=ROOT / "samples" / "de_delivery_note.jpg")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", nargs="+", default=["ppocr", "rapidocr"])
    parser.add_argument("--roots", nargs="+", type=Path, default=[ROOT], help="folders with run_pipeline.py")
    arguments, flags = parser.parse_known_args(argv)
    arguments.roots = [root.resolve() for root in arguments.roots]
    for path in (arguments.page, *(root / "run_pipeline.py" for root in arguments.roots)):
        if not path.is_file():
            parser.error(f"there is no {path}")
    return arguments, flags


def run(root: Path, engine: str, page: Path, flags: Sequence[str]) -> tuple[float, float]:
    """Seconds to the first picture and to the end of one run.

    Raises:
        SystemExit: the run failed, or drew nothing; with its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "run_pipeline.py", "--input", str(page.resolve()), "--output", folder]
        command += ["--ocr_engine", engine, *flags]
        started = time.monotonic()
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(command, cwd=root, stdout=said, stderr=said) as job,
        ):
            first = None
            while job.poll() is None:
                if first is None and any(Path(folder, "overlays").rglob("*.jpg")):
                    first = time.monotonic() - started
                time.sleep(_LOOK_EVERY_S)
            end = time.monotonic() - started
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
        if job.returncode or first is None:
            raise SystemExit(f"{' '.join(command)}: exit code {job.returncode}: {''.join(last)}")
        return first, end


def _cell(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    sys.exit(main())
