"""PaddleOCR's training configurations (``ser_layoutxlm_xfund_zh.yml`` and the like) as training settings.

What has the same meaning is taken over; for every other key there is a line that says why it is not.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from model_store.errors import SourceError
from model_store.paddle import class_list_tags

_SCHEDULES = {"Linear": "linear", "Const": "constant", "Cosine": "cosine"}
_BACKBONES = {"LayoutXLMForSer": "entities", "LayoutXLMForRe": "relations"}
# Why keys are not taken over, by the beginning of their names; the first that fits is told.
_REASONS = {
    "Global.use_gpu": "--device chooses the GPU",
    "Global.distributed": "training runs on one device",
    "Global.save_epoch_step": "the last checkpoint is kept, checkpoint_minutes says how often it is written",
    "Global.save_inference_dir": "OUTPUT/model can be used as it is; model_store export writes other formats",
    "Global.print_batch_step": "log.jsonl has a line every 50 steps",
    "Global.infer_img": "run_pipeline.py --input names what is read",
    "Global.save_res_path": "run_pipeline.py --output names where results go",
    "Global.kie_rec_model_dir": "run_pipeline.py --ocr_rec_model_dir",
    "Global.kie_det_model_dir": "run_pipeline.py --ocr_det_model_dir",
    "Architecture.Backbone.pretrained": "import the pretrained weights, and name their folder in start_from",
    "Architecture": "the network is that of start_from or base",
    "Loss": "the losses of tasks are those of PaddleOCR",
    "Optimizer.beta": "AdamW's usual 0.9 and 0.999",
    "Optimizer": "the optimiser is AdamW",
    "PostProcess": "decoding is part of the model",
    "Metric": "SER, RE and pairs are measured as docs/training.md says",
    "Train.dataset.transforms": "pages are prepared as the model's config.json says",
    "Train.loader": "pages are drawn at random, in this process",
    "Eval.dataset.transforms": "pages are prepared as the model's config.json says",
    "Eval.loader": "pages are measured one by one",
}


class Converted(NamedTuple):
    """Training settings, and a line for every key that has no place in them."""

    settings: dict[str, Any]
    notes: list[str]


def convert_config(path: Path, folder: Path, root: Path) -> Converted:
    """Turns a configuration of PaddleOCR into training settings.

    Args:
        path: of the YAML file.
        folder: where the settings will be: their paths are relative to it.
        root: the folder that PaddleOCR is run in: paths of the configuration are relative to it.

    Raises:
        SourceError: the file cannot be read, or is not that of a LayoutXLM for SER or RE.
    """
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise SourceError(f"{path}: cannot be read as YAML") from error
    if not isinstance(values, dict):
        raise SourceError(f"{path}: holds no configuration")
    reader = _Reader(values, path)
    settings = _settings(reader, folder, root)
    return Converted(settings, [*reader.notes, *_unused(reader)])


class _Reader:
    """The values of a configuration by dotted names; it remembers which were asked for."""

    def __init__(self, values: Mapping[str, Any], path: Path):
        self.leaves = dict(_leaves(values, ""))
        self.path = path
        self.used: set[str] = set()
        self.notes: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.used.add(name)
        value = self.leaves.get(name)
        return default if value is None else value

    def number(self, name: str, default: float) -> float:
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SourceError(f"{self.path}: {name} must be a number, not {str(value)[:40]!r}")
        return value

    def step(self, part: str, transform: str, name: str, default: Any = None) -> Any:
        """A value of one of the transforms, which are a list in the file."""
        return self.get(f"{part}.dataset.transforms.{transform}.{name}", default)


def _leaves(values: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """All values by dotted names; the items of a list of transforms are told apart by their only key."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(values, list) and values and all(isinstance(item, dict) for item in values):
        for item in values:
            yield from _leaves(item, prefix)
    else:
        yield prefix, values


def _settings(reader: _Reader, folder: Path, root: Path) -> dict[str, Any]:
    backbone = reader.get("Architecture.Backbone.name", "")
    task = _BACKBONES.get(backbone)
    if task is None:
        raise SourceError(f"{reader.path}: Architecture.Backbone.name is none of {', '.join(_BACKBONES)}")
    output = reader.get("Global.save_model_dir", "output")
    settings: dict[str, Any] = {"output": _relative(output, folder, root), "tasks": [task]}
    settings |= _start(reader, folder, root) | {"network": _network(reader, root)}
    settings["sources"] = [*_sources(reader, "Train", folder, root), *_sources(reader, "Eval", folder, root)]
    settings |= _optimiser(reader, root)
    settings |= {"views": [1, 0, 0], "seed": int(reader.number("Global.seed", 0))}
    settings["precision"] = "auto" if reader.get("Global.use_amp", False) else "float32"
    return settings


def _start(reader: _Reader, folder: Path, root: Path) -> dict[str, Any]:
    mode, checkpoints = (
        reader.get("Architecture.Backbone.mode"),
        reader.get("Architecture.Backbone.checkpoints"),
    )
    base = "vi-layoutxlm" if mode == "vi" else "layoutxlm"
    if checkpoints:
        start = _relative(checkpoints, folder, root)
        reader.notes.append(
            f"Architecture.Backbone.checkpoints: import it first: python -m model_store import {checkpoints} "
            "FOLDER, and name the folder in start_from"
        )
        return {"start_from": start}
    reader.notes.append(
        f"start_from: import the pretrained {base} and name its folder here in place of base and tokenizer"
    )
    return {"base": base, "tokenizer": "sentencepiece.bpe.model"}


def _network(reader: _Reader, root: Path) -> dict[str, Any]:
    lines = reader.step("Train", "VQATokenLabelEncode", "use_textline_bbox_info", True)
    network: dict[str, Any] = {
        "special_tokens": "none",
        "image_normalisation": "paddleocr",
        "decoding": "line_vote",
        "window_tokens": int(reader.step("Train", "VQATokenPad", "max_seq_len", 512)),
        "token_boxes": "line" if lines else "word",
    }
    names = ("PostProcess.class_path", "Train.dataset.transforms.VQATokenLabelEncode.class_path")
    class_path = reader.get(names[0]) or reader.get(names[1])
    reader.used.update((*names, "Eval.dataset.transforms.VQATokenLabelEncode.class_path"))
    if class_path:
        tags = _tags(root / class_path)
        if tags is None:
            reader.notes.append(f"{names[0]}: {class_path} is not here; labels are those of the label files")
        else:
            network["labels"] = list(dict.fromkeys(tag[2:] for tag in tags if tag != "O"))
    return network


def _tags(path: Path) -> list[str] | None:
    try:
        return class_list_tags(path.read_text("utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return None


def _sources(reader: _Reader, part: str, folder: Path, root: Path) -> list[dict[str, Any]]:
    files = reader.get(f"{part}.dataset.label_file_list", [])
    images = reader.get(f"{part}.dataset.data_dir")
    if not isinstance(files, list):
        files = [files]
    found = []
    for file in files:
        source = {"labels": _relative(file, folder, root)}
        if images:
            source["images"] = _relative(images, folder, root)
        if part == "Eval":
            source["holdout"] = ""
        found.append(source)
    return found


def _optimiser(reader: _Reader, root: Path) -> dict[str, Any]:
    batch = int(reader.number("Train.loader.batch_size_per_card", 8))
    window = int(reader.step("Train", "VQATokenPad", "max_seq_len", 512))
    epochs = reader.number("Global.epoch_num", 200)
    pages = _pages(reader, root)
    in_epoch = math.ceil(pages / batch)
    kind = reader.get("Optimizer.lr.name", "Const")
    if kind not in _SCHEDULES:
        reader.notes.append(f"Optimizer.lr.name: {kind} is not known here; constant is taken")
    every = reader.get("Global.eval_batch_step", [0, 500])
    reader.used.add("Optimizer.lr.epochs")  # the same as epoch_num
    return {
        "batch_tokens": batch * window,
        "steps": max(1, round(epochs * in_epoch)),
        "learning_rate": reader.number("Optimizer.lr.learning_rate", 5e-5),
        "schedule": _SCHEDULES.get(kind, "constant"),
        "warmup_steps": round(reader.number("Optimizer.lr.warmup_epoch", 0) * in_epoch),
        "clip_norm": float(reader.number("Optimizer.clip_norm", 0.0)),
        "weight_decay": float(reader.number("Optimizer.regularizer.factor", 0.0)),
        "evaluate_every": int(every[-1] if isinstance(every, list) else every),
    }


def _pages(reader: _Reader, root: Path) -> int:
    """How many pages an epoch has: the lines of the label files."""
    files = reader.get("Train.dataset.label_file_list", [])
    count = 0
    for file in files if isinstance(files, list) else [files]:
        try:
            count += sum(bool(line.strip()) for line in (root / file).read_text("utf-8").splitlines())
        except (OSError, UnicodeDecodeError):
            reader.notes.append(
                f"Global.epoch_num: {file} is not here; steps are those for 149 pages (XFUND)"
            )
            return count or 149
    return max(count, 1)


def _relative(path: Any, folder: Path, root: Path) -> str:
    return os.path.relpath(root / str(path), folder)


def _unused(reader: _Reader) -> list[str]:
    lines = []
    for name in reader.leaves:
        if name not in reader.used:
            reason = next((text for start, text in _REASONS.items() if name.startswith(start)), None)
            lines.append(f"{name}: has no meaning here{f': {reason}' if reason else ''}")
    return lines
