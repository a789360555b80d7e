"""What OCR costs by stage and how much it reads right, for several engines on the same pages in one run.

    python benchmarks/ocr.py --labels FILE_OR_FOLDER --images FOLDER [--engines rapidocr ppocr]
        [--pages 1:16] [--rounds 3] [--threads 1] [--max_side 1280] [--scale 1] [--json]

``ppocr_small`` is ``ppocr`` without the tiny recogniser. The engines take turns, page by page. CPU seconds
are those of the process, of each page the least of all rounds; the first round, in which networks are
prepared for their sizes, is told apart. Accuracy: see ocr_accuracy.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.ocr_accuracy import Accuracy, compare  # noqa: E402 (needs the path)

STAGES = ("find", "crop", "tiny", "small", "read")
REST = "rest"
SMALL = "ppocr_small"


def main() -> int:
    arguments = parse_arguments()
    report = measure(arguments)
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    return 0


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--labels", required=True, help="labels in a format that the evaluation reads")
    parser.add_argument("--images", required=True, help="folder of the pictures")
    parser.add_argument(
        "--engines", nargs="+", default=["rapidocr", "ppocr"], help="the first is compared with"
    )
    parser.add_argument("--pages", default="1:16", metavar="FROM:TO", help="pages of the labels, from 1")
    parser.add_argument("--rounds", type=int, default=3, help="after the first; 0: only accuracy")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max_side", type=int, default=1280)
    parser.add_argument("--scale", type=float, default=1.0, help="of the pictures to the labels")
    parser.add_argument("--languages", help="codes with commas between them, for ppocr")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(argv)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Cost and accuracy of every engine."""
    from beam_kie.labelled.formats import read_labels
    from beam_kie.ocr import OcrOptions

    first, _, last = arguments.pages.partition(":")
    labels = read_labels(arguments.labels, arguments.images)[int(first) - 1 : int(last)]
    images = [read_page(Path(arguments.images) / page.name) for page in labels]
    options = OcrOptions(
        device="cpu",
        threads=arguments.threads,
        max_side=arguments.max_side,
        languages=arguments.languages,
    )
    engines = {name: open_engine(name, options) for name in arguments.engines}
    stages = {name: watch_stages(engine) for name, engine in engines.items()}
    costs: dict[str, dict[int, Counter[str]]] = defaultdict(dict)
    cold: Counter[str] = Counter()
    accuracy: dict[str, Accuracy] = defaultdict(Accuracy)
    for turn in range(arguments.rounds + 1):
        for number, (label, image) in enumerate(zip(labels, images, strict=True)):
            names = list(engines) if number % 2 else list(engines)[::-1]
            for name in names:
                stages[name].clear()
                started = time.process_time()
                (text,) = engines[name].read([image])
                cost = Counter(stages[name], total=time.process_time() - started)
                if not turn:
                    cold[name] += cost["total"]
                    accuracy[name] += compare(label, text, arguments.scale)
                elif number not in costs[name] or cost["total"] < costs[name][number]["total"]:
                    costs[name][number] = cost
    rows = {name: row(costs[name], cold[name], accuracy[name], len(images)) for name in engines}
    return {"pages": len(images), "threads": arguments.threads, "engines": rows}


def open_engine(name: str, options: Any) -> Any:
    """An engine by its name, or ``SMALL``."""
    from beam_kie.ocr import Engine, create_engine

    if name != SMALL:
        return create_engine(replace(options, engine=Engine(name)))
    from beam_kie.ocr.ppocr.engine import PpOcrEngine
    from beam_kie.ocr.ppocr.openvino_networks import OpenVinoNetworks
    from beam_kie.ocr.ppocr.sessions import Sessions, cache_folder

    networks = OpenVinoNetworks(Sessions(options.threads, cache_folder()))
    networks.tiny_first = False
    return PpOcrEngine(replace(options, engine=Engine.PPOCR), networks)


def read_page(path: Path):
    """One picture, decoded."""
    import cv2

    from beam_kie.document import PageImage

    pixels = cv2.imread(str(path))
    if pixels is None:
        raise SystemExit(f"{path} is no picture")
    return PageImage(path.name, str(path), 1, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def watch_stages(engine: Any) -> Counter[str]:
    """CPU seconds of the engine's stages from now on. Only with one thread they are the stage's own."""
    spent: Counter[str] = Counter()
    models = getattr(engine, "_line_models", None)
    if models is None:
        return spent
    timed(models, "find_lines", "find", spent)
    timed(models, "read_crops", "read", spent)
    for name in ("tiny", "small"):
        if (reader := getattr(models, f"_{name}", None)) is not None:
            timed(reader, "read", name, spent)
    return spent


def timed(owner: Any, method: str, stage: str, spent: Counter[str]) -> None:
    """Let a method of an object add the CPU time that it takes to a stage."""
    work: Callable = getattr(owner, method)

    def work_and_measure(*values: Any) -> Any:
        started = time.process_time()
        try:
            return work(*values)
        finally:
            spent[stage] += time.process_time() - started

    setattr(owner, method, work_and_measure)


def row(costs: dict[int, Counter[str]], cold: float, accuracy: Accuracy, pages: int) -> dict[str, Any]:
    """One engine's figures, seconds a page."""
    total: Counter[str] = Counter()
    for cost in costs.values():
        total.update(cost)
    seconds = {name: round(value / pages, 4) for name, value in total.items()}
    return {"cpu_s": seconds, "first_cpu_s": round(cold / pages, 4), "accuracy": accuracy.as_dict()}


def table(report: dict[str, Any]) -> str:
    """All figures as text."""
    lines = [f"{report['pages']} pages, threads: {report['threads']}", ""]
    columns = ("total", "ratio", "find", "read", "tiny", "small", "rest", "first")
    lines.append(f"{'CPU s a page':<16}" + "".join(f"{name:>9}" for name in columns))
    base = None
    for name, figures in report["engines"].items():
        cost = figures["cpu_s"]
        base = base or cost.get("total", 0.0)
        rest = cost.get("total", 0.0) - cost.get("find", 0.0) - cost.get("read", 0.0)
        ratio = cost.get("total", 0.0) / base if base else 0.0
        cells = [cost.get("total", 0.0), ratio, cost.get("find", 0.0), cost.get("read", 0.0)]
        cells += [cost.get("tiny", 0.0), cost.get("small", 0.0), rest, figures["first_cpu_s"]]
        lines.append(f"{name:<16}" + "".join(f"{cell:>9.3f}" for cell in cells))
    lines += ["", f"{'% right':<16}{'characters':>12}{'lines':>9}{'joined':>9}{'labelled':>10}"]
    for name, figures in report["engines"].items():
        right = figures["accuracy"]
        lines.append(
            f"{name:<16}{right['characters']:>12.2f}{right['lines']:>9.2f}{right['joined']:>9.2f}"
            f"{right['labelled_lines']:>10}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
