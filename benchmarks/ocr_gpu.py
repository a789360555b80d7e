"""Pages per second of OCR alone on a GPU, and how long the GPU works, by size of batch.

    python benchmarks/ocr_gpu.py --images FOLDER [--device cuda] [--batch_pixels 4000000 16000000]
        [--threads 8] [--pages 16] [--rounds 4] [--json]

The pages are decoded before the clock starts. Threads read one page at a time, as the job's do. The engine is
``ppocr``; its first round is not counted. The share of time is what nvidia-smi calls utilisation: of all
moments those in which some kernel ran. ``--device cpu`` runs the same code on a machine without a GPU.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.ocr import read_page  # noqa: E402 (needs the path)

_QUERY = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--loop-ms=200"]


def main() -> int:
    arguments = parse_arguments()
    pages = [read_page(path) for path in sorted(arguments.images.iterdir())[: arguments.pages]]
    if not pages:
        raise SystemExit(f"{arguments.images} holds no pictures")
    rows = [measure(pages, arguments, batch_pixels) for batch_pixels in arguments.batch_pixels]
    print(json.dumps(rows, indent=2) if arguments.json else table(rows, arguments))
    return 0


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", required=True, type=Path, help="folder of pictures, a page each")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    parser.add_argument(
        "--batch_pixels", nargs="+", type=int, default=[1_000_000, 4_000_000, 16_000_000, 64_000_000]
    )
    parser.add_argument("--threads", type=int, default=8, help="threads that read pages")
    parser.add_argument("--pages", type=int, default=16, help="different pages")
    parser.add_argument("--rounds", type=int, default=4, help="how often each page is read")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(argv)


def measure(pages: Sequence[Any], arguments: argparse.Namespace, batch_pixels: int) -> dict[str, Any]:
    """The figures for one size of batch."""
    import torch

    from beam_kie.ocr import Engine, OcrOptions
    from beam_kie.ocr.devices import ocr_device
    from beam_kie.ocr.ppocr.engine import PpOcrEngine
    from beam_kie.ocr.ppocr.pytorch.running import TorchNetworks

    options = OcrOptions(engine=Engine.PPOCR, device=arguments.device)
    device = ocr_device(options)
    networks = TorchNetworks(device, batch_pixels)
    engine = PpOcrEngine(options, networks)
    with ThreadPoolExecutor(arguments.threads) as threads:
        list(threads.map(lambda page: engine.read([page]), pages))
        networks.owner.batches.clear()
        if device != "cpu":
            torch.cuda.reset_peak_memory_stats()
        with Utilisation(device) as utilisation:
            started = time.perf_counter()
            read = list(threads.map(lambda page: engine.read([page]), list(pages) * arguments.rounds))
            seconds = time.perf_counter() - started
    return {
        "batch_pixels": batch_pixels,
        "pages_s": len(read) / seconds,
        "lines": sum(len(text.lines) for (text,) in read) / len(read),
        "pages_a_batch": mean_batch(networks.owner.batches, pages=True),
        "lines_a_batch": mean_batch(networks.owner.batches, pages=False),
        "busy": utilisation.share,
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20 if device != "cpu" else None,
    }


class Utilisation:
    """The share of time inside that the GPU works (``share``); None where nvidia-smi does not say."""

    def __init__(self, device: str):
        self.share: float | None = None
        self._number = device.partition(":")[2]
        self._seen: list[float] = []

    def __enter__(self) -> Utilisation:
        self._process = None
        if self._number:
            try:
                self._process = subprocess.Popen(
                    [*_QUERY, f"--id={self._number}"], stdout=subprocess.PIPE, text=True
                )
            except OSError:
                return self
            threading.Thread(target=self._listen, daemon=True).start()
        return self

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip().isdigit():
                self._seen.append(int(line) / 100)

    def __exit__(self, *_error: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        if self._seen:
            self.share = sum(self._seen) / len(self._seen)


def mean_batch(batches: Counter[tuple[str, int]], pages: bool) -> float:
    """Pictures in the mean batch of pages, or of lines."""
    counted = {size: 0 for _, size in batches}
    for (kind, size), count in batches.items():
        counted[size] += count if (kind == "pages") is pages else 0
    return sum(size * count for size, count in counted.items()) / max(sum(counted.values()), 1)


def table(rows: Sequence[dict[str, Any]], arguments: argparse.Namespace) -> str:
    """The figures as text."""
    columns = ("batch pixels", "pages/s", "lines a page", "pages a batch", "lines a batch", "GPU busy", "MiB")
    lines = [f"{arguments.device}, {arguments.threads} threads", "".join(f"{name:>15}" for name in columns)]
    for row in rows:
        busy = "-" if row["busy"] is None else f"{row['busy']:.0%}"
        peak = "-" if row["peak_mib"] is None else f"{row['peak_mib']:,.0f}"
        figures = (row["pages_s"], row["lines"], row["pages_a_batch"], row["lines_a_batch"])
        cells = [f"{row['batch_pixels']:,}", *(f"{figure:.1f}" for figure in figures), busy, peak]
        lines.append("".join(f"{cell:>15}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
