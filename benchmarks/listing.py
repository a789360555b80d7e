"""A listing of very many objects: when the first file is handed on, and how long all of them take.

    python benchmarks/listing.py [--files 1000000] [--page_ms 50] [--workers 2] [--json]

The storage is emulated: names in folders, 1,000 on a page, and every request takes so many milliseconds. The
steps are those of the job that find files, in one process, with a step behind them that notes the time. The
same listing in one piece is estimated from its number of requests.
"""

from __future__ import annotations

import argparse
import bisect
import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PAGE = 1_000


class Lister:
    """A storage that only lists: the functions of ``transforms.storage.gcs`` that find files.

    Args:
        uris: of all objects, sorted.
        seconds: that every request takes.
    """

    PERMISSIONS = dict.fromkeys(("read", "write", "list", "delete"), "access")

    def __init__(self, uris: list[str], seconds: float = 0.0):
        self._uris = uris
        self._seconds = seconds
        self.requests = 0

    def list_page(self, prefix, token, _attempt):
        """A page of the listing."""
        self._wait()
        start = bisect.bisect_left(self._uris, prefix) if token is None else int(token)
        page = [uri for uri in self._uris[start : start + PAGE] if uri.startswith(prefix)]
        after = start + PAGE
        is_more = len(page) == PAGE and after < len(self._uris) and self._uris[after].startswith(prefix)
        return [_file(uri) for uri in page], str(after) if is_more else None

    def first_after(self, prefix, after, _attempt):
        """The first object after a name."""
        self._wait()
        place = max(bisect.bisect_right(self._uris, after), bisect.bisect_left(self._uris, prefix))
        is_there = place < len(self._uris) and self._uris[place].startswith(prefix)
        return _file(self._uris[place]) if is_there else None

    def _wait(self) -> None:
        self.requests += 1
        time.sleep(self._seconds)


def _file(uri: str):
    from transforms.storage.stored import StoredFile

    return StoredFile(uri, 100_000, 1_700_000_000.0, "1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--page_ms", type=float, default=50.0, help="milliseconds of a request")
    parser.add_argument("--workers", type=int, default=2, help="threads")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    uris = [f"gs://scans/in/{n // 5_000:05d}/scan-{n:09d}.pdf" for n in range(arguments.files)]
    lister = Lister(uris, arguments.page_ms / 1000)
    found = find(lister, "gs://scans/in/**", arguments.workers)
    if found["files"] != arguments.files:
        raise SystemExit(f"{found['files']:,} files were found, {arguments.files:,} are there")
    found |= {"requests": lister.requests, "one_piece_s": arguments.files / PAGE * arguments.page_ms / 1000}
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    first, last = found["first_s"], found["last_s"]
    print(f"first file after {first:.1f} s, the last of {found['files']:,} after {last:.1f} s")
    print(f"{found['requests']:,} requests; in one piece these alone take {found['one_piece_s']:.0f} s")
    return 0


def find(lister: Lister, pattern: str, workers: int) -> dict:
    """Run the steps that find files, and note when the first and the last come out."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from transforms.config import JobConfig
    from transforms.launch.local_runner import no_timed_flush
    from transforms.ptransform import outputs_of
    from transforms.stages.finding import FindSources
    from transforms.storage import asking, listings

    for module in (asking, listings):
        module.__dict__["store_of"] = lambda _uri: lister
    flags = [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]
    with tempfile.TemporaryDirectory() as folder:
        pipeline = beam.Pipeline("FnApiRunner", PipelineOptions(flags))
        found = outputs_of(pipeline | FindSources(JobConfig(input=(pattern,), output=folder, run_id="r")))
        _ = found.sources | beam.Map(note, folder) | beam.combiners.Count.Globally() | beam.Map(keep, folder)
        started = time.time()
        with no_timed_flush():
            pipeline.run().wait_until_finish()
        ended = time.time()
        first = Path(folder, "first").stat().st_mtime
        return {
            "first_s": round(first - started, 2),
            "last_s": round(ended - started, 1),
            "files": int(Path(folder, "count").read_text()),
        }


def note(source, folder: str):
    """The source; the first one leaves a mark."""
    mark = Path(folder, "first")
    if not mark.exists():
        mark.touch()
    return source


def keep(count: int, folder: str) -> None:
    Path(folder, "count").write_text(str(count))


if __name__ == "__main__":
    sys.exit(main())
