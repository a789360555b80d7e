"""Fine-tuning at full size: seconds a step, pages a second, memory, the loss at the start and at the end.

    python benchmarks/fine_tuning.py [--base vi-layoutxlm layoutxlm] [--steps 20] [--device cpu] [--threads 2]

The network has the base size and random weights, and learns the labelled samples of the repository; nothing
is downloaded. Published weights take the same time. "CPU s": of all threads together, a step; a machine that
is busy with other work takes longer, but needs no more of it. Losses are the means of the first and of the
last tenth of the steps. "share": of the speed of one large matrix product of that type, what the matrix
products of the network reach: 2 operations for each weight and token forward, 4 back, 2 more with activation
checkpointing.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BASES = ("vi-layoutxlm", "layoutxlm")
VOCABULARY = 250_002  # of LayoutXLM; the tokenizer of the tests uses few of its entries


def main() -> int:
    arguments = parse_arguments()
    if arguments.alone:
        print(json.dumps(measure(arguments, arguments.base[0])))
        return 0
    rows = [in_a_process(arguments, base) for base in arguments.base]
    print(json.dumps(rows, indent=2) if arguments.json else table(rows))
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base", nargs="+", choices=BASES, default=list(BASES), help="networks to train")
    parser.add_argument("--steps", type=int, default=20, help="optimiser steps; the first two are not timed")
    parser.add_argument("--batch_tokens", type=int, default=1024, help="tokens of a batch")
    parser.add_argument("--checkpointing", action="store_true", help="activation checkpointing")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch on a CPU")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_a_process(arguments: argparse.Namespace, base: str) -> dict[str, Any]:
    """The figures of one network, measured in a process of its own: its peak memory is its own."""
    command = [sys.executable, __file__, "--alone", "--base", base, "--device", arguments.device]
    for name in ("steps", "batch_tokens", "threads"):
        command += [f"--{name}", str(getattr(arguments, name))]
    command += ["--checkpointing"] * arguments.checkpointing
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(arguments: argparse.Namespace, base: str) -> dict[str, Any]:
    """Trains one network."""
    import torch

    from beam_kie.training.loop import Trainer

    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        plan, pages = planned(arguments, base, folder)
        trainer = Trainer(plan, pages, arguments.device)
        batches = trainer._batches()
        losses, times, busy, counted = [], [], [], []
        for step in range(arguments.steps):
            group = next(batches)
            started, used = time.perf_counter(), time.process_time()
            losses.append(float(trainer._train([group])["loss"]))
            if arguments.device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
            busy.append(time.process_time() - used)
            counted.append(len(group))
            print(
                f"{base}: step {step + 1}, {times[-1]:.1f} s, {busy[-1]:.1f} s of CPU, loss {losses[-1]:.2f}",
                file=sys.stderr,
            )
    seconds = statistics.median(times[2:])
    weights = sum(value.numel() for value in trainer.network.encoder.parameters())
    done = (8 if arguments.checkpointing else 6) * weights * arguments.batch_tokens / seconds
    ceiling = matrix_ceiling(trainer.dtype, arguments.device)
    some = max(3, len(losses) // 10)  # one batch tells little: the mean of the first and of the last tenth
    return {
        "base": base,
        "parameters": sum(value.numel() for value in trainer.network.parameters()),
        "dtype": str(trainer.dtype).removeprefix("torch."),
        "device": arguments.device,
        "seconds_a_step": round(seconds, 2),
        "cpu_seconds_a_step": round(statistics.median(busy[2:]), 2),
        "pages_a_second": round(statistics.mean(counted[2:]) / seconds, 2),
        "peak_gb": round(peak_gb(arguments.device), 1),
        "first_loss": round(statistics.mean(losses[:some]), 2),
        "last_loss": round(statistics.mean(losses[-some:]), 2),
        "share_of_ceiling": round(done / ceiling, 2),
    }


def planned(arguments: argparse.Namespace, base: str, folder: str) -> tuple[Any, Any]:
    """The plan and the pages of a training of that size on the samples."""
    from beam_kie.labelled.sources import LabelledSource
    from beam_kie.training.data.pages import PageSource
    from beam_kie.training.planning.plan import make_plan
    from beam_kie.training.planning.presets import PUBLISHED_TRAINING
    from beam_kie.training.settings import Settings

    values = {name: value for name, value in PUBLISHED_TRAINING.items() if name != "augmentation"}
    values |= {
        "output": folder,
        "base": base,
        "network": {"vocab_size": VOCABULARY},
        "tokenizer": str(ROOT / "tests" / "reference" / "tiny_sentencepiece.bpe.model"),
        "sources": (LabelledSource(str(ROOT / "samples" / "labels.txt"), images=str(ROOT / "samples")),),
        "batch_tokens": arguments.batch_tokens,
        "activation_checkpointing": arguments.checkpointing,
        "warmup_steps": 2,
        "steps": 1000,
        "learning_rate": 1e-4,
    }
    plan = make_plan(Settings(**values))
    return plan, PageSource(plan)


def matrix_ceiling(dtype: Any, device: str) -> float:
    """Operations a second of one large matrix product."""
    import torch

    side = 8192 if device == "cuda" else 2048
    left = torch.ones(side, side, dtype=dtype, device=device)
    times = []
    for _ in range(4):
        started = time.perf_counter()
        torch.mm(left, left)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return 2 * side**3 / min(times)


def peak_gb(device: str) -> float:
    """The most memory that was in use: of the GPU, or of this process."""
    import torch

    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as text."""
    head = ("network", "M parameters", "type", "s a step", "CPU s", "pages/s", "peak GB", "loss", "share")
    lines = ["".join(f"{name:>14}" for name in head)]
    for row in rows:
        cells = (
            row["base"],
            f"{row['parameters'] / 1e6:.0f}",
            row["dtype"],
            row["seconds_a_step"],
            row["cpu_seconds_a_step"],
            row["pages_a_second"],
            row["peak_gb"],
            f"{row['first_loss']} to {row['last_loss']}",
            row["share_of_ceiling"],
        )
        lines.append("".join(f"{cell!s:>14}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
