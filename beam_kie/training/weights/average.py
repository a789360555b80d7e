"""The command ``python -m beam_kie.training.weights.average``: the mean of the weights of several models.

Models that were trained on from common weights lie in one basin of the loss, and their mean is often better
than each of them ("Model soups", arXiv 2203.05482). They must have the same network and vocabulary; only the
weights for the layout (``token_layout``), which begin as zero, may be missing in all but the first. The part
for line images is that of the first: convolutions saturate when they are averaged, and batch norm expects
others.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.folders import MODEL_FILES, WEIGHTS_FILE
from beam_kie.layoutxlm.network.token_layout import LAYOUT_WEIGHTS
from beam_kie.training.reports.provenance import joined, of_folder

_OF_THE_FIRST = "strips."
_SAME = ("config.json", "tokenizer.json")


class AverageError(ValueError):
    """Models that have no common mean; the message says why."""


def main(argv: list[str] | None = None) -> int:
    """Writes the mean. Returns 0, or 2 after one line on stderr.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser("python -m beam_kie.training.weights.average", allow_abbrev=False)
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="model folder to write")
    parser.add_argument(
        "models", nargs="+", type=_share, metavar="FOLDER=SHARE", help="model folders and what each counts"
    )
    args = parser.parse_args(argv)
    try:
        average(args.models, args.output)
    except (AverageError, ConfigError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {args.output}")
    return 0


def average(models: Sequence[tuple[Path, float]], output: Path) -> None:
    """Writes the weighted mean of model folders, with the configuration of the first, as float16.

    Args:
        models: folders and their shares: relative, not negative, not all 0.
        output: the folder to write.

    Raises:
        AverageError: a folder is no model, the models are not alike, or the shares are impossible.
    """
    total = sum(share for _, share in models)
    if total <= 0 or any(share < 0 for _, share in models):
        raise AverageError("shares must not be negative, and one must be more than 0")
    mean: dict[str, Tensor] = {}
    for folder, share in models:
        _check_like(models[0][0], folder)
        weights = load_file(folder / WEIGHTS_FILE)
        if mean and not _go_together(weights, mean):
            raise AverageError(f"{folder} has other weights than {models[0][0]}")
        for name, value in weights.items():
            if name.startswith(_OF_THE_FIRST):
                mean.setdefault(name, value.float())
                continue
            part = value.float() * (share / total)
            mean[name] = mean[name] + part if name in mean else part
    output.mkdir(parents=True, exist_ok=True)
    for name in _SAME:
        shutil.copyfile(models[0][0] / name, output / name)
    halves = {name: value.half().contiguous() for name, value in mean.items()}
    save_file(halves, output / WEIGHTS_FILE, metadata={"format": "pt"})
    joined(of_folder(folder) for folder, _ in models).write(output)


def _go_together(weights: Mapping[str, Tensor], mean: Mapping[str, Tensor]) -> bool:
    missing = mean.keys() - weights.keys()
    return all(name.startswith(LAYOUT_WEIGHTS) for name in missing) and all(
        name in mean and mean[name].shape == value.shape for name, value in weights.items()
    )


def _check_like(first: Path, folder: Path) -> None:
    missing = [name for name in (*MODEL_FILES, *_SAME) if not (folder / name).is_file()]
    if missing:
        raise AverageError(f"{folder} is not a model folder of a training run: it lacks {missing[0]}")
    if LayoutXLMConfig.load(folder / "config.json").ensemble_size > 1:
        raise AverageError(f"{folder} is an ensemble: weights of its members have no common mean")
    if (first / "tokenizer.json").read_bytes() != (folder / "tokenizer.json").read_bytes():
        raise AverageError(f"{folder} has another vocabulary than {first}")


def _share(text: str) -> tuple[Path, float]:
    folder, _, share = text.rpartition("=")
    try:
        return Path(folder or share), float(share) if folder else 1.0
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: the share after = must be a number") from None


if __name__ == "__main__":
    sys.exit(main())
