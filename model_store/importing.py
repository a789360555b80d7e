"""Imports published checkpoints into this project's format: all of a model, or nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from beam_kie.escaping import printable
from beam_kie.layoutxlm.checkpoints import WeightsError, load_weights
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.layoutxlm.inputs.tokenizer import (
    SENTENCEPIECE_FILE,
    TOKENIZER_FILE,
    TokenizerError,
    XlmRobertaTokenizer,
    load_tokenizer,
)
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.published import config_from_hugging_face
from model_store import hugging_face, paddle, paddle_inference
from model_store.archives import is_archive, unpack
from model_store.errors import SourceError
from model_store.model_card import LAYOUTXLM_LICENCE, MODEL_CARD, Provenance, sha256, write_card
from model_store.pickles import read_arrays

CONFIG, WEIGHTS, PADDLE_WEIGHTS = "config.json", "model.safetensors", "model_state.pdparams"
PADDLE_TRAINED, PADDLE_EXPORTED, HUGGING_FACE = "Paddle, trained", "Paddle, exported", "Hugging Face"
OURS = "beam-kie"
# What values of a configuration that make no network lead to.
_MISFITS = (
    *(TypeError, ValueError, KeyError, IndexError, AttributeError),
    *(ZeroDivisionError, OverflowError, RuntimeError),
)
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pdparams", ".pdmodel", ".pdiparams", ".info")
TOKENIZER_HINT = (
    f"the source has no {SENTENCEPIECE_FILE}; give XLM-R's with --tokenizer FILE (it is in the "
    "repositories microsoft/layoutxlm-base and FacebookAI/xlm-roberta-base on huggingface.co)"
)


@dataclass(frozen=True)
class ImportOptions:
    """``tokenizer``: a sentencepiece file for sources without one. ``classes``: PaddleOCR's class list,
    one label a line, or "O,B-X,I-X,..." in the order of the classifier, for sources that do not name
    their classes. ``config``: the configuration of a source that lies elsewhere. ``source``: what the
    card calls the source; None: its name. ``find_tokenizer`` is asked for a tokenizer where neither the
    source nor ``tokenizer`` has one."""

    tokenizer: Path | None = None
    find_tokenizer: Callable[[], Path] | None = None
    classes: str | None = None
    config: Path | None = None
    name: str | None = None
    licence: str = LAYOUTXLM_LICENCE
    source: str | None = None


@dataclass(frozen=True)
class _Found:
    """Where the weights of a source lie; ``weights`` is a file, or the folder of several."""

    kind: str
    weights: Path
    folder: Path


def import_model(source: str | Path, destination: str | Path, options: ImportOptions | None = None) -> Path:
    """Converts a folder, tar archive or weights file into a model folder, and returns it.

    The network is built and the weights loaded into it strictly before anything appears at
    ``destination``.

    Args:
        source: a folder, a tar archive, or a ``.pdparams``, ``.bin`` or ``.safetensors`` file.
        destination: the folder to make, which must not exist.
        options: what the source does not say; None: nothing is missing.

    Raises:
        SourceError: with a message of one line.
    """
    source, destination, options = Path(source), Path(destination), options or ImportOptions()
    _check_destination(destination)
    with contextlib.ExitStack() as cleanup:
        origin = source
        if source.is_file() and is_archive(source.name):
            unpacked = cleanup.enter_context(temporary_folder(destination, "unpacked"))
            unpack(source, unpacked)
            source = unpacked
        found = _find(source, origin)
        made = cleanup.enter_context(temporary_folder(destination, "made"))
        _convert(found, origin, made, options, options.name or destination.name)
        publish_folder(made, destination)
    return destination


@contextlib.contextmanager
def temporary_folder(destination: Path, purpose: str) -> Iterator[Path]:
    """A folder beside ``destination``, so that it can be renamed to it; removed at the end if not.

    Args:
        destination: of what is made in it.
        purpose: a word in its name.
    """
    folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}.{purpose}-", dir=destination.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish_folder(made: Path, destination: Path) -> None:
    """Renames a finished folder to its destination, in one step.

    Args:
        made: the folder, on the disk of ``destination``.
        destination: its name from then on.

    Raises:
        SourceError: something is there already, or nothing can be written there.
    """
    mask = os.umask(0)
    os.umask(mask)
    made.chmod(0o777 & ~mask)
    for path in made.iterdir():
        path.chmod(0o666 & ~mask)
    try:
        made.rename(destination)
    except OSError as error:
        raise SourceError(f"{destination}: cannot be written ({error.strerror})") from error


def _check_destination(destination: Path) -> None:
    if destination.exists() or destination.is_symlink():
        raise SourceError(f"{destination} exists already; name a new folder or remove it")
    if not destination.parent.is_dir():
        raise SourceError(f"{destination.parent} is no folder; make it first")


def _find(source: Path, origin: Path) -> _Found:
    if source.is_file():
        kinds = {".pdparams": PADDLE_TRAINED, ".bin": HUGGING_FACE, ".safetensors": HUGGING_FACE}
        if source.suffix not in kinds:
            raise SourceError(f"{origin}: neither a folder, nor a .tar, .pdparams, .bin or .safetensors file")
        return _Found(kinds[source.suffix], source, source.parent)
    if not source.is_dir():
        raise SourceError(f"{origin}: no such file or folder")
    folders = [source, *sorted(path for path in source.rglob("*") if path.is_dir())]
    candidates = [found for folder in folders if (found := _weights_in(folder))]
    if not candidates:
        raise SourceError(
            f"{origin}: holds no weights: none of {PADDLE_WEIGHTS}, {paddle_inference.VALUES}, "
            + ", ".join(hugging_face.WEIGHTS)
        )
    # A training's folder keeps several states; the folder itself, or its best, is meant.
    best = [item for item in candidates if item.folder == source or item.folder.name == "best_accuracy"]
    if len(candidates) > 1 and len(best) != 1:
        names = ", ".join(str(item.folder.relative_to(source)) for item in candidates[:5])
        raise SourceError(f"{origin}: holds several models ({names}); name the folder of one")
    return best[0] if len(candidates) > 1 else candidates[0]


def _weights_in(folder: Path) -> _Found | None:
    if (folder / PADDLE_WEIGHTS).is_file():
        return _Found(PADDLE_TRAINED, folder / PADDLE_WEIGHTS, folder)
    if (folder / paddle_inference.VALUES).is_file():
        return _Found(PADDLE_EXPORTED, folder, folder)
    if _is_ours(folder):
        return _Found(OURS, folder, folder)
    if any((folder / name).is_file() for name in hugging_face.WEIGHTS):
        return _Found(HUGGING_FACE, folder, folder)
    saved = sorted(folder.glob("*.pdparams"))
    best = [path for path in saved if path.stem == "best_accuracy"] or saved
    return _Found(PADDLE_TRAINED, best[0], folder) if len(best) == 1 else None


def _is_ours(folder: Path) -> bool:
    if not (folder / WEIGHTS).is_file():
        return False
    try:
        LayoutXLMConfig.load(folder / CONFIG)
    except ConfigError:
        return False
    return True


def check_model(folder: Path) -> None:
    """Loads a model folder of this project's format, to see whether it can be used.

    Args:
        folder: of the model.

    Raises:
        SourceError: its files are missing, damaged, or do not fit.
    """
    try:
        config = LayoutXLMConfig.load(folder / CONFIG)
        _fitted(config, hugging_face.read_file(folder / WEIGHTS))
        ids = load_tokenizer(folder).get_vocab_size()
    except (ConfigError, WeightsError, TokenizerError) as error:
        raise SourceError(f"{folder}: {error}") from error
    if ids > config.architecture.vocab_size:
        raise SourceError(
            f"{folder}: the tokenizer has {ids} ids, but the network knows {config.architecture.vocab_size}"
        )


def _copy_ours(folder: Path, made: Path) -> None:
    """A model in this project's format stays as it is, once it is known to load."""
    check_model(folder)
    for name in (CONFIG, WEIGHTS, SENTENCEPIECE_FILE, TOKENIZER_FILE, MODEL_CARD, "provenance.json"):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, made / name)


def _convert(found: _Found, origin: Path, made: Path, options: ImportOptions, name: str) -> None:
    try:
        if found.kind == OURS:
            _copy_ours(found.folder, made)
            return
        config, tensors = _read(found, options)
        config = dataclasses.replace(config, name=name)
        network = _fitted(config, tensors)
        _copy_tokenizer(found, made, options, config)
    except (ConfigError, WeightsError, TokenizerError) as error:
        raise SourceError(f"{origin}: {error}") from error
    except _MISFITS as error:
        if isinstance(error, SourceError):
            raise
        reason = printable(str(error)[:200])
        raise SourceError(
            f"{origin}: the configuration has values that no network can be built from ({reason})"
        ) from error
    config.save(made / CONFIG)
    # Not every tensor of the source: those that the network has no use for are left behind.
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, made / WEIGHTS)
    provenance = Provenance(
        source=options.source or origin.name,
        kind=found.kind,
        files=_source_checksums(found, origin),
        licence=options.licence,
    )
    write_card(made, config, provenance)


def _read(found: _Found, options: ImportOptions) -> tuple[LayoutXLMConfig, dict[str, Tensor]]:
    tags = _tags(options.classes)
    if found.kind == HUGGING_FACE:
        path = options.config or found.folder / CONFIG
        if not path.is_file():
            raise SourceError(f"{found.folder}: has no {CONFIG}; give it with --config FILE")
        values = paddle.read_json(path)
        read = hugging_face.read_file if found.weights.is_file() else hugging_face.read_weights
        tensors = read(found.weights)
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        return config_from_hugging_face(values, shapes, tags), tensors
    exported = found.kind == PADDLE_EXPORTED
    arrays = paddle_inference.read_inference_model(found.weights) if exported else read_arrays(found.weights)
    tensors = paddle.to_hugging_face(arrays)
    values = paddle.read_json(options.config) if options.config else paddle.read_paddle_config(found.folder)
    if isinstance(values.get("config"), dict):  # as files of test weights have it, with the switch beside it
        values = {**values["config"], "use_visual_backbone": values.get("use_visual_backbone")}
    return paddle.paddle_config(values, tensors, tags), tensors


def _tags(classes: str | None) -> Sequence[str] | None:
    if classes is None:
        return None
    if "," in classes:
        return [tag.strip() for tag in classes.split(",")]
    try:
        return paddle.class_list_tags(Path(classes).read_text("utf-8").splitlines())
    except (OSError, ValueError) as error:
        raise SourceError(f"--classes {classes}: neither a file of labels nor a list with commas") from error


def _fitted(config: LayoutXLMConfig, tensors: dict[str, Tensor]) -> LayoutXLM:
    """The network that the configuration describes, with these weights in it: nothing missing or left."""
    with torch.device("meta"):
        network = LayoutXLM(config)
    load_weights(network, tensors)
    return network


def _copy_tokenizer(found: _Found, made: Path, options: ImportOptions, config: LayoutXLMConfig) -> None:
    path = options.tokenizer or found.folder / SENTENCEPIECE_FILE
    if not path.is_file() and options.find_tokenizer and not options.tokenizer:
        path = options.find_tokenizer()
    if not path.is_file():
        raise SourceError(f"{path}: no such file" if options.tokenizer else TOKENIZER_HINT)
    ids = XlmRobertaTokenizer(path).get_vocab_size()
    if ids > config.architecture.vocab_size:
        raise SourceError(
            f"{path.name} has {ids} ids, but the network knows {config.architecture.vocab_size}: give the "
            "tokenizer that it was trained with, with --tokenizer FILE"
        )
    shutil.copyfile(path, made / SENTENCEPIECE_FILE)


def _source_checksums(found: _Found, origin: Path) -> dict[str, str]:
    if origin.is_file() and is_archive(origin.name):
        return {origin.name: sha256(origin)}
    weights = [found.weights] if found.weights.is_file() else sorted(found.folder.iterdir())
    others = [found.folder / name for name in (CONFIG, "model_config.json", SENTENCEPIECE_FILE)]
    # An exported or trained folder may hold much else: states of optimisers, logs, pictures.
    files = [path for path in weights if path.suffix in _WEIGHT_SUFFIXES] + others
    return {path.name: sha256(path) for path in files if path.is_file()}
