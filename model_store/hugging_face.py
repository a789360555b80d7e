"""Hugging Face's folders: ``model.safetensors`` or ``pytorch_model.bin``, whole or in parts."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from beam_kie.layoutxlm.file_limits import ModelFileError, check_weights
from model_store.errors import SourceError
from model_store.pickle_limits import check_pickle

SAFETENSORS, PICKLE = "model.safetensors", "pytorch_model.bin"
INDEXES = (f"{SAFETENSORS}.index.json", f"{PICKLE}.index.json")
_MAX_PICKLE_BYTES = 64 * 1024 * 1024
# PyTorch searches its own message, which quotes the file, in a time that grows with the square of its length.
_LONGEST_NAME = 4096
# PyTorch's old format: magic number, version, facts of the machine, tensors, names of their storages.
_PICKLES_IN_A_ROW = 5
WEIGHTS = (SAFETENSORS, INDEXES[0], PICKLE, INDEXES[1])


def read_weights(folder: str | Path) -> dict[str, Tensor]:
    """Tensors by their names, floats as float32.

    Args:
        folder: with a checkpoint, in one file or several with an index.

    Raises:
        SourceError: the weights are missing or cannot be read.
    """
    folder = Path(folder)
    for name in WEIGHTS:
        if (folder / name).is_file():
            return _read_parts(folder / name) if name in INDEXES else read_file(folder / name)
    raise SourceError(f"{folder}: holds none of {', '.join(WEIGHTS)}")


def read_file(path: Path) -> dict[str, Tensor]:
    """Tensors of one ``.safetensors`` or ``.bin`` file, floats as float32.

    Pickles are read with ``weights_only``: no code in them is run.

    Args:
        path: of the file.

    Raises:
        SourceError: it cannot be read.
    """
    tensors = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
    }


def part_names(index: Path) -> list[str]:
    """Files that an index names, sorted.

    Args:
        index: its path.

    Raises:
        SourceError: it cannot be read, or a name leads out of its folder.
    """
    return sorted(set(_weight_map(index).values()))


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        check_weights(path)
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except ModelFileError as error:
        raise SourceError(f"refused: {error}") from error
    except (SafetensorError, OSError) as error:
        raise SourceError(f"{path}: cut off, or no safetensors file") from error


def _read_pickle(path: Path) -> dict[str, Tensor]:
    _check_pickles(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken pickle can raise anything
        reason = (
            "refused: it holds more than tensors" if _names_code(error) else "cut off, or no PyTorch file"
        )
        raise SourceError(f"{path}: {reason}; nothing of it was run") from error
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not found:
        raise SourceError(f"{path}: holds no tensors by name")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise SourceError(f"{path}: {str(name)[:80]!r} is a {type(value).__name__}, not a tensor")
    return dict(found)


def _check_pickles(path: Path) -> None:
    """Checks the pickles in a PyTorch file: one in an archive, or several in a row."""
    try:
        with open(path, "rb") as file:
            if file.read(2) == b"PK":  # how PyTorch tells an archive
                _check_archive(path)
                return
            file.seek(0)
            for _ in range(_PICKLES_IN_A_ROW):
                check_pickle(file, _LONGEST_NAME)
    except SourceError as error:
        if not str(error).startswith("refused"):
            return  # damaged: loading raises its own error
        raise SourceError(f"{path}: {error}; nothing of it was run") from error
    except OSError:
        return


def _check_archive(path: Path) -> None:
    """Looks at the members of an archive as PyTorch would, which inflates what is compressed."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise SourceError("refused: it is compressed, as PyTorch never does")
            if sum(entry.file_size for entry in entries) > path.stat().st_size:
                raise SourceError("refused: its members claim more bytes than it has")
            for entry in entries:
                # PyTorch takes names in capitals for the same.
                if entry.filename.lower().endswith("/data.pkl"):
                    if entry.file_size > _MAX_PICKLE_BYTES:
                        raise SourceError("refused: its list of tensors is too long")
                    check_pickle(io.BytesIO(archive.read(entry)), _LONGEST_NAME)
    except SourceError:
        raise
    except Exception as error:  # a damaged archive can raise anything; PyTorch might read it all the same
        raise SourceError(f"refused: cut off, or no PyTorch file ({type(error).__name__})") from error


def _names_code(error: Exception) -> bool:
    return "unsupported global" in str(error).lower()


def _read_parts(index: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name in part_names(index):
        if not (index.parent / name).is_file():
            raise SourceError(f"{index.parent}: {name}, a part of the weights, is missing")
        tensors.update(read_file(index.parent / name))
    missing = sorted(set(_weight_map(index)) - set(tensors))
    if missing:
        raise SourceError(f"{index}: {len(missing)} tensors are in no part, for example {missing[0]}")
    return tensors


def _weight_map(index: Path) -> dict[str, str]:
    try:
        found = json.loads(index.read_text("utf-8"))["weight_map"]
        parts = {str(tensor): str(name) for tensor, name in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{index}: no index of weights") from error
    for name in parts.values():
        if Path(name).name != name or Path(name).suffix not in (".safetensors", ".bin"):
            raise SourceError(f"{index}: refused: a part of the weights is called {name[:80]!r}")
    return parts
