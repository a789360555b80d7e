"""Reads exported Paddle models (``inference.pdmodel``, ``.pdiparams``, ``.pdiparams.info``) without Paddle.

The program (a protobuf) names the variables that were saved. Their values follow each other in the order
of these names, without names of their own; the ``.info`` file maps them to tensors of the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from model_store.errors import SourceError
from model_store.pickles import read_pickle

PROGRAM, VALUES, NAMES = "inference.pdmodel", "inference.pdiparams", "inference.pdiparams.info"
# framework.proto of Paddle: VarType.Type.
_LOD_TENSOR = 7
_NUMBERS = {
    0: "<?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "<u1", 21: "<i1", 22: "<u2",
}  # fmt: skip
_MAX_SIZES = 32
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_inference_model(folder: str | Path) -> dict[str, np.ndarray]:
    """Arrays of an exported model by the names that they had in the network.

    Args:
        folder: of the exported model.

    Raises:
        SourceError: a file is missing or cannot be read.
    """
    folder = Path(folder)
    for name in (PROGRAM, VALUES, NAMES):
        if not (folder / name).is_file():
            raise SourceError(
                f"{folder}: an exported model needs {name}; without it import the folder of the training"
            )
    structured = _structured_names(folder / NAMES)
    try:
        variables = sorted(_saved_variables((folder / PROGRAM).read_bytes()))
    except (IndexError, ValueError, UnicodeDecodeError) as error:
        raise SourceError(f"{folder / PROGRAM}: cut off, or no Paddle program") from error
    unknown = [name for name in variables if name not in structured]
    if not variables or unknown:
        raise SourceError(f"{folder / NAMES}: does not name {', '.join(unknown[:5]) or 'anything'}")
    try:
        arrays = list(_tensors((folder / VALUES).read_bytes()))
    except (IndexError, ValueError) as error:
        raise SourceError(f"{folder / VALUES}: cut off, or no tensors of Paddle") from error
    if len(arrays) != len(variables):
        raise SourceError(
            f"{folder / VALUES}: holds {len(arrays)} tensors, but the program names {len(variables)}: "
            "cut off, or of another export"
        )
    return {structured[name]: array for name, array in zip(variables, arrays, strict=True)}


def _structured_names(path: Path) -> dict[str, str]:
    found = read_pickle(path)
    if not isinstance(found, dict):
        raise SourceError(f"{path}: holds no names")
    names = {}
    for variable, facts in found.items():
        name = facts.get("structured_name") if isinstance(facts, dict) else None
        if isinstance(variable, str) and isinstance(name, str):
            names[variable] = name
    return names


def _saved_variables(program: bytes) -> Iterator[str]:
    """Names of the persistent tensors of a ProgramDesc."""
    for number, block in _fields(program):
        if number != 1:
            continue
        for field, variable in _fields(block):
            if field != 3:
                continue
            facts = dict(_fields(variable))  # name 1, type 2, persistable 3
            kind = dict(_fields(facts[2])).get(1) if 2 in facts else None
            if facts.get(3) and kind == _LOD_TENSOR:
                if not isinstance(facts.get(1), memoryview):
                    raise ValueError("a tensor without a name")
                yield bytes(facts[1]).decode("utf-8")


def _tensors(data: bytes) -> Iterator[np.ndarray]:
    """LoDTensors one after another: u32 version, u64 levels of detail, u32 version, i32 size of the
    description, the description (type 1, sizes 2), the numbers."""
    view, position = memoryview(data), 0
    while position < len(view):
        version, levels = _integer(view, position, 4), _integer(view, position + 4, 8)
        inner, size = _integer(view, position + 12, 4), _integer(view, position + 16, 4)
        if version or levels or inner:
            raise ValueError("an unknown version of the format")
        position += 20
        kind, sizes = _description(_part(view, position, size))
        position += size
        length = math.prod(sizes) * kind.itemsize
        yield np.frombuffer(_part(view, position, length), kind).reshape(sizes)
        position += length


def _description(data: memoryview) -> tuple[np.dtype, list[int]]:
    kind, sizes = None, []
    for number, value in _fields(data):
        if number == 1:
            kind = _NUMBERS.get(value)
        elif isinstance(value, int):
            sizes.append(value)
        else:  # packed
            position = 0
            while position < len(value):
                size, position = _varint(value, position)
                sizes.append(size)
    if kind is None or len(sizes) > _MAX_SIZES or any(size >= 1 << 40 for size in sizes):
        raise ValueError("an unknown type of numbers, or sizes of no tensor")
    return np.dtype(kind), sizes


def _fields(data: bytes | memoryview | int) -> Iterator[tuple[int, Any]]:
    """Fields of a protobuf message: their number, and an int or the bytes."""
    if isinstance(data, int):
        raise ValueError("a number where a message should be")
    view, position = memoryview(data), 0
    while position < len(view):
        key, position = _varint(view, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, position = _varint(view, position)
        else:
            if kind == _BYTES:
                length, position = _varint(view, position)
            elif kind in (_FIXED64, _FIXED32):
                length = 8 if kind == _FIXED64 else 4
            else:
                raise ValueError("no protobuf message")
            value = _part(view, position, length)
            position += length
        yield number, value


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("no protobuf number")


def _integer(view: memoryview, position: int, size: int) -> int:
    return int.from_bytes(_part(view, position, size), "little")


def _part(view: memoryview, position: int, length: int) -> memoryview:
    if position + length > len(view):
        raise ValueError("cut off")
    return view[position : position + length]
