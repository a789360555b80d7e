"""One long file read in page ranges by several workers, against the same file read as a whole.

    python benchmarks/long_file.py [--input samples] [--pages 100] [--format pdf] [--workers 2] [--rounds 2]
        [JOB FLAGS]

The scans of a folder follow one another in one PDF or TIFF file, again and again, as many as there shall be
pages. ``run_pipeline.py`` reads it with ``--range_pages`` as it is by default, with ``--range_pages 0``, and
in turns again. All rows must be equal. Flags that this script does not know go to the job.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scale import ONE_PAGE, RUN_ID, compare  # noqa: E402 (needs the path)
from benchmarks.watching import Usage, watch  # noqa: E402

WAYS = {"ranges": [], "as a whole": ["--range_pages=0"]}


def main() -> int:
    arguments, job_flags = parse_arguments()
    used: dict[str, list[Usage]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="beam-kie-long-file-") as folder:
        place = Path(folder)
        scans = place / "scans"
        scans.mkdir()
        write_file(scans / f"long.{arguments.format}", arguments.input, arguments.pages)
        for _ in range(arguments.rounds):
            for way, flags in WAYS.items():
                used[way].append(run(scans, place / way, arguments.workers, [*flags, *job_flags]))
                print(f"{way}: {used[way][-1].wall_s:.1f} s", file=sys.stderr, flush=True)
        compare(*(place / way for way in WAYS))
    print("\n".join(table(used, arguments.pages)))
    return 0


def parse_arguments(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--input", type=Path, default=ROOT / "samples", help="a folder with pictures")
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--format", choices=["pdf", "tiff"], default="pdf")
    parser.add_argument("--workers", type=int, default=2, help="threads")
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_known_args(argv)


def write_file(path: Path, folder: Path, pages: int) -> None:
    """The pictures of a folder as the pages of one file."""
    from PIL import Image

    pictures = sorted(each for each in folder.iterdir() if each.suffix.lower() in ONE_PAGE)
    images = (Image.open(each).convert("RGB") for each in islice(cycle(pictures), pages))
    more = {"quality": 85} if path.suffix == ".pdf" else {"compression": "jpeg"}
    next(images).save(path, save_all=True, append_images=images, resolution=200, **more)


def run(scans: Path, out: Path, workers: int, flags: list[str]) -> Usage:
    """Run the job once."""
    command = [sys.executable, "run_pipeline.py", f"--input={scans}", f"--output={out}"]
    command += [f"--run_id={RUN_ID}", "--overwrite", "--direct_running_mode=multi_threading"]
    return watch([*command, f"--direct_num_workers={workers}", *flags])


def table(used: dict[str, list[Usage]], pages: int) -> list[str]:
    """Medians of both ways, and how much faster the first is."""
    lines = ["              seconds   pages/s   CPU s/page   peak MiB"]
    for way, usages in used.items():
        seconds, cpu_s = (median(getattr(each, name) for each in usages) for name in ("wall_s", "cpu_s"))
        peak = max(each.peak_mib for each in usages)
        lines.append(f"{way:<11} {seconds:>9.1f} {pages / seconds:>9.2f} {cpu_s / pages:>12.2f} {peak:>10,}")
    whole, ranges = (median(each.wall_s for each in used[way]) for way in ("as a whole", "ranges"))
    return [*lines, f"in ranges the run is {whole / ranges:.2f} times as fast; all rows are equal"]


if __name__ == "__main__":
    sys.exit(main())
