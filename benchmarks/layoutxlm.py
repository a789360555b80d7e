"""How fast LayoutXLM-base runs at its full size: milliseconds a page for SER and RE, with random weights.

    python benchmarks/layoutxlm.py [--threads 1 2] [--pages 8] [--device cpu] [--dtype auto] [--json]

The page is the one that PaddleOCR's scripts were timed on: 391 tokens in 47 lines, 18 keys and 29 values,
that is 522 candidate pairs, with its picture. SER and RE are two checkpoints with an encoder each, as
published. PaddleOCR's figures are quoted, not measured: its scripts no longer install.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TOKENS, KEYS, VALUES = 391, 18, 29
PADDLEOCR_MS = {1: 3870, 2: 2650}  # release 2.6, Paddle Inference, 2 cores of a Xeon with bf16 and AMX
ROUNDS = 5


def main() -> int:
    arguments = parse_arguments()
    if arguments.measure:
        print(json.dumps(measure(arguments)))
        return 0
    report = [in_child(arguments, threads) for threads in arguments.threads]
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="threads to measure with")
    parser.add_argument("--pages", type=int, default=8, help="pages handed over at once")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "bfloat16", "float16"))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_child(arguments: argparse.Namespace, threads: int) -> dict[str, Any]:
    """One measurement in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--measure", "--threads", str(threads)]
    command += ["--pages", str(arguments.pages), "--device", arguments.device, "--dtype", arguments.dtype]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Medians over rounds of the same pages."""
    import torch

    torch.set_num_threads(arguments.threads[0])
    ser, re = load("ser", arguments), load("re", arguments)
    pages = [page()] * arguments.pages
    entities = [entities_of(pages[0])] * arguments.pages
    return {
        "threads": arguments.threads[0],
        "pages": arguments.pages,
        "dtype": str(ser.dtype).removeprefix("torch."),
        "ser_ms": milliseconds(lambda: ser.find_entities(pages), arguments.pages),
        "re_ms": milliseconds(lambda: re.relate(pages, entities), arguments.pages),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def load(part: str, arguments: argparse.Namespace):
    """A network of the published size, one checkpoint of SER or RE."""
    import torch

    from beam_kie.layoutxlm.config import LayoutXLMConfig
    from beam_kie.layoutxlm.devices import resolve_device, resolve_dtype
    from beam_kie.layoutxlm.model import KieModel
    from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM

    changes: dict[str, Any] = {"use_visual_backbone": True, "image_normalisation": "paddleocr"}
    if part == "re":
        changes |= {"token_classifier": False, "relation_head": "biaffine"}
        changes |= {"relation_labels": ("HEADER", "QUESTION", "ANSWER")}
    torch.manual_seed(0)
    device = resolve_device(arguments.device)
    dtype = resolve_dtype(arguments.dtype, device)
    network = LayoutXLM(LayoutXLMConfig.from_fields(**changes))
    return KieModel(network, word_tokenizer(), dtype=dtype, device=device)


def word_tokenizer():
    """One token a word: the benchmark is about the network."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 3, "word": 100}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def page():
    """A page of TOKENS tokens in KEYS + VALUES lines, with a picture of noise."""
    import numpy as np

    from beam_kie.document import PageText, TextLine
    from beam_kie.geometry import box_polygon

    count = KEYS + VALUES
    lines = []
    for index in range(count):
        words = TOKENS // count + (index < TOKENS % count)
        left, top = 200 + 1100 * (index % 2), 200 + 60 * (index // 2)
        lines.append(TextLine(" ".join(["word"] * words), box_polygon((left, top, left + 900, top + 40))))
    picture = np.random.default_rng(0).integers(0, 256, 224 * 224 * 3, dtype=np.uint8).tobytes()
    return PageText("d", "u", 1, 2480, 3508, lines=tuple(lines), picture=picture)


def entities_of(text):
    """Every line an entity: first the keys, then the values."""
    from beam_kie.document import Entity, LineSpan

    labels = ["QUESTION"] * KEYS + ["ANSWER"] * VALUES
    return [
        Entity(label, line.text, line.polygon, 1.0, (LineSpan(index, 0, len(line.text)),))
        for index, (label, line) in enumerate(zip(labels, text.lines, strict=True))
    ]


def milliseconds(work, pages: int) -> float:
    """The median time a page takes; one round before is not counted."""
    work()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) / pages * 1000)
    return round(statistics.median(times), 1)


def table(report: list[dict[str, Any]]) -> str:
    """The figures for a reader."""
    head = ("threads", "pages", "dtype", "SER ms", "RE ms", "both ms", "PaddleOCR ms", "times", "peak MiB")
    lines = ["".join(f"{name:>14}" for name in head)]
    for row in report:
        both = row["ser_ms"] + row["re_ms"]
        reference_ms = PADDLEOCR_MS.get(row["threads"])
        times = f"{reference_ms / both:.1f}" if reference_ms else "-"
        cells = (row["threads"], row["pages"], row["dtype"], row["ser_ms"], row["re_ms"], round(both, 1))
        lines.append(
            "".join(f"{cell!s:>14}" for cell in (*cells, reference_ms or "-", times, row["peak_mib"]))
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
