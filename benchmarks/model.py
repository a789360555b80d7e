"""Size and speed of a model: megabytes of weights, milliseconds of SER and RE a page of 70 lines.

    python benchmarks/model.py [--model REF] [--threads 2] [--pages 1 8 32] [--dtype bfloat16] [--json]

The pages are the text lines of generated forms, 65 to 75 of them, in five languages. Nothing is asserted: the
limits that the bundled model was made for stand beside what was measured.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MAX_MEGABYTES, MAX_MS = 40, 80
LANGUAGES = ("zh", "en", "de", "fr", "pt")
LINES = range(65, 76)


def main() -> int:
    arguments = parse_arguments()
    report = measure(arguments)
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="bundled", help="a model folder, or another reference")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch")
    parser.add_argument("--pages", type=int, nargs="+", default=[1, 8, 32], help="pages handed over at once")
    parser.add_argument(
        "--dtype", nargs="+", choices=("bfloat16", "float16", "float32"),
        help="default: bfloat16, where the device does not only emulate it, and float32",
    )  # fmt: skip
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--rounds", type=int, default=7, help="the median of so many is reported")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Size and speed of the model, for every type and number of pages."""
    import torch

    from beam_kie.layoutxlm.folders import WEIGHTS_FILE
    from beam_kie.layoutxlm.model import KieModel
    from model_store import resolve

    torch.set_num_threads(arguments.threads)
    folder = resolve(arguments.model)
    pages = form_pages(max(arguments.pages))
    rows = []
    model, tokens = None, 0.0
    for dtype in arguments.dtype or native_types(arguments.device):
        model = KieModel.load(folder, device=arguments.device, dtype=dtype)
        pages = with_noise(pages, model.pictures)
        tokens = statistics.mean(model.count_tokens(page) for page in pages)
        for count in arguments.pages:
            print(f"{dtype}, {count} pages", file=sys.stderr)
            ms = milliseconds(lambda model=model, part=pages[:count]: model.predict(part), arguments.rounds)
            rows.append({"dtype": dtype, "pages": count, "ms_per_page": round(ms / count, 1)})
    assert model is not None
    return {
        "model": f"{model.name} {model.revision}",
        "megabytes": round((folder / WEIGHTS_FILE).stat().st_size / 1e6, 1),
        "parameters": sum(value.numel() for network in model.networks for value in network.parameters()),
        "device": str(model.device),
        "threads": arguments.threads,
        "lines": round(statistics.mean(len(page.lines) for page in pages), 1),
        "tokens": round(tokens, 1),
        "speed": rows,
    }


def native_types(device: str) -> list[str]:
    """The types to measure: one that the device emulates or is slow at is left out with a line."""
    import torch

    from beam_kie.devices.precision import is_native

    if is_native(torch.bfloat16, torch.device(device)):
        return ["bfloat16", "float32"]
    told = f"bfloat16 is left out: this {device} is slow at it; --dtype bfloat16 measures it"
    print(told, file=sys.stderr)
    return ["float32"]


def form_pages(count: int) -> list:
    """Pages of text without pictures: the lines of forms, as OCR would find them."""
    from beam_kie.document import PageText, TextLine
    from beam_kie.forms import generate_layout, visual_lines
    from beam_kie.reading_order import order_lines

    pages: list[PageText] = []
    for seed, language in enumerate(itertools.cycle(LANGUAGES)):
        if len(pages) == count:
            return pages
        layout = generate_layout(language, seed)
        lines = tuple(TextLine(line.text, line.polygon) for line in visual_lines(layout))
        if len(lines) in LINES:
            name = f"{language}-{seed}"
            size = (layout.width_px, layout.height_px)
            pages.append(PageText(name, name, 1, *size, lines=order_lines(lines)))
    return pages


def with_noise(pages: list, kind: str | None) -> list:
    """The pages with noise for pixels, where the model reads any: time does not depend on their content."""
    import numpy as np

    from beam_kie.layoutxlm.inputs.images import with_picture

    if kind is None:
        return pages
    noise = np.random.default_rng(0)
    return [
        with_picture(page, noise.integers(0, 256, (page.height_px, page.width_px, 3), dtype=np.uint8), kind)
        for page in pages
    ]


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """The median time of some work; one round before is not counted."""
    work()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def table(report: dict[str, Any]) -> str:
    """The figures as text."""
    lines = [
        f"{report['model']}, {report['parameters'] / 1e6:.1f} M parameters, {report['device']}, "
        f"{report['threads']} threads; {report['lines']} lines and {report['tokens']} tokens a page",
        "",
        f"{'':<28}{'measured':>10}{'limit':>8}",
        f"{'weights, MB':<28}{report['megabytes']:>10}{MAX_MEGABYTES:>8}",
    ]
    for row in report["speed"]:
        name = f"ms a page, {row['dtype']}, {row['pages']:>2} pages"
        lines.append(f"{name:<28}{row['ms_per_page']:>10}{MAX_MS:>8}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
