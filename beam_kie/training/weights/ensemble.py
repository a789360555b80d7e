"""The command ``python -m beam_kie.training.weights.ensemble``: several models as one that is their mean.

Every network reads the page, and the mean of their scores decides (deep ensembles, arXiv 1612.01474). It
takes as many times as long as one, and gains most where the models were trained from different beginnings.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from beam_kie.layoutxlm.checkpoints import member_prefix
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.folders import MODEL_FILES, WEIGHTS_FILE
from beam_kie.training.reports.provenance import joined, of_folder


class EnsembleError(ValueError):
    """Models that do not go together; the message says why."""


def main(argv: list[str] | None = None) -> int:
    """Writes the ensemble. Returns 0, or 2 after one line on stderr.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser("python -m beam_kie.training.weights.ensemble", allow_abbrev=False)
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="model folder to write")
    parser.add_argument(
        "models", nargs="+", type=Path, metavar="FOLDER", help="model folders; the first one's settings count"
    )
    args = parser.parse_args(argv)
    try:
        combine(args.models, args.output)
    except (EnsembleError, ConfigError, SafetensorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {args.output}")
    return 0


def combine(models: Sequence[Path], output: Path) -> None:
    """Writes model folders as one ensemble, with the configuration and the vocabulary of the first.

    Confidences have to be calibrated again.

    Args:
        models: folders, at least one.
        output: the folder to write.

    Raises:
        EnsembleError: a folder is no model of one network, or the networks are not alike.
        ConfigError: a ``config.json`` does not fit.
        SafetensorError: weights cannot be read.
    """
    first = _config(models[0])
    weights = {}
    for number, folder in enumerate(models, 1):
        _check_like(folder, models[0])
        prefix = member_prefix(number)
        found = load_file(folder / WEIGHTS_FILE)
        weights.update({prefix + name: value.contiguous() for name, value in found.items()})
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(models[0] / "tokenizer.json", output / "tokenizer.json")
    save_file(weights, output / WEIGHTS_FILE, metadata={"format": "pt"})
    first.with_fields(ensemble_size=len(models)).save(output / "config.json")
    joined(of_folder(folder) for folder in models).write(output)


def _check_like(folder: Path, first: Path) -> None:
    mine, theirs = _config(folder), _config(first)
    if mine.ensemble_size > 1:
        raise EnsembleError(f"{folder} is an ensemble already: name its members")
    if mine.architecture.strip_channels not in ((), theirs.architecture.strip_channels):
        raise EnsembleError(f"{folder} reads line images, and {first} does not: name the one that does first")
    other = _differences(mine, theirs)
    if other:
        raise EnsembleError(f"{folder} differs from {first} in {', '.join(other)}")
    if (first / "tokenizer.json").read_bytes() != (folder / "tokenizer.json").read_bytes():
        raise EnsembleError(f"{folder} has another vocabulary than {first}")


def _differences(mine: LayoutXLMConfig, theirs: LayoutXLMConfig) -> list[str]:
    """Fields in which two members may not differ, and do.

    Name, decoding and calibration are those of the first member. Dropout has no effect any more, and the
    weights show whether a member reads line images.
    """
    architecture = dataclasses.replace(
        mine.architecture,
        hidden_dropout_prob=theirs.architecture.hidden_dropout_prob,
        attention_probs_dropout_prob=theirs.architecture.attention_probs_dropout_prob,
        strip_channels=theirs.architecture.strip_channels,
    )
    mine = dataclasses.replace(
        mine,
        name=theirs.name,
        architecture=architecture,
        decoding=theirs.decoding,
        calibration=theirs.calibration,
    )
    own, wanted = mine.fields(), theirs.fields()
    return [name for name in own if own[name] != wanted[name]]


def _config(folder: Path) -> LayoutXLMConfig:
    for name in (*MODEL_FILES, "tokenizer.json"):
        if not (folder / name).is_file():
            raise EnsembleError(f"{folder} is not a model folder of a training run: it lacks {name}")
    return LayoutXLMConfig.load(folder / "config.json")


if __name__ == "__main__":
    sys.exit(main())
