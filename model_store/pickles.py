"""Reads pickles of arrays without running code in them.

A pickle is a program: it may call whatever it can name. This reader lets it name only what numpy arrays
are made of, and even these are stand-ins that make arrays and nothing else. Files of tensors by Paddle
(``.pdparams``) and the lists of names beside exported models (``.pdiparams.info``) need no more.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from model_store.errors import SourceError
from model_store.pickle_limits import check_pickle

_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_BUFFER_MODULES = ("numpy.core.numeric", "numpy._core.numeric")
_KINDS = "fiub"


def read_pickle(path: str | Path) -> Any:
    """What a pickle holds: containers, text, numbers and numpy arrays. No code in it is run.

    Args:
        path: of the file.

    Raises:
        SourceError: the file is cut off, is no pickle, or holds anything else.
    """
    try:
        with open(path, "rb") as file:
            check_pickle(file)
            file.seek(0)
            return _Unpickler(file).load()
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error
    except MemoryError as error:
        raise SourceError(f"{path}: asks for more memory than there is") from error
    except Exception as error:  # a broken pickle can raise anything
        raise SourceError(f"{path}: cut off, or no pickle of arrays ({type(error).__name__})") from error


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The named arrays of a ``.pdparams`` file, in its order.

    Args:
        path: of the file.

    Raises:
        SourceError: the file cannot be read, or holds anything else.
    """
    found = read_pickle(path)
    if not isinstance(found, dict):
        raise SourceError(f"{path}: holds a {type(found).__name__}, not tensors by name")
    arrays = {}
    for name, value in found.items():
        if name == "StructuredToParameterName@@":  # Paddle's own bookkeeping
            continue
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise SourceError(f"{path}: {str(name)[:80]!r} is a {type(value).__name__}, not an array")
        if value.dtype.kind not in _KINDS:
            raise SourceError(f"{path}: {name} holds {value.dtype}, not numbers")
        arrays[name] = value.view(np.ndarray)
    if not arrays:
        raise SourceError(f"{path}: holds no tensors")
    return arrays


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO):
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:
        """The only things that a pickle may name. Raises SourceError for all others."""
        if module == "numpy" and name in ("ndarray", "dtype"):
            return _BY_NAME[name]
        if module in _ARRAY_MODULES and name == "_reconstruct":
            return _StandIn(_empty_array)
        if module in _BUFFER_MODULES and name == "_frombuffer":
            return _StandIn(_array_of_bytes)
        if (module, name) == ("_codecs", "encode"):
            return _StandIn(_latin1)
        if module in ("builtins", "__builtin__") and name == "bytes":
            return _StandIn(_no_bytes)
        raise SourceError(
            f"refused: the pickle wants to use {module[:60]}.{name[:60]}, which tensors do not need; "
            "it may do harm, and nothing of it was run"
        )

    def persistent_load(self, pid: Any) -> Any:
        """Never."""
        raise SourceError("refused: the pickle refers to data outside of it")


class _StandIn:
    """What a pickle gets for a function: it can be called, and nothing about it can be set."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]):
        self._call = call

    def __call__(self, *values: Any) -> Any:
        return self._call(*values)

    def __setstate__(self, state: Any) -> None:
        raise SourceError("refused: the pickle changes a function")


class _NumberType:
    """What a pickle gets for a dtype. Of its state only the byte order counts.

    numpy itself would take over whatever else the state says: flags of objects, arrays within numbers.
    """

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) == 8 else None
        if order not in ("<", ">", "=", "|") or state[0] != 3 or state[2:] != _PLAIN_NUMBER:
            raise SourceError("refused: an array of something other than numbers")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray):
    """An array whose unpickling takes numbers only."""

    def __setstate__(self, state: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        _, shape, kind, is_fortran, data = state
        if not isinstance(kind, _NumberType) or not isinstance(data, bytes):
            raise SourceError("refused: an array of something other than numbers")
        super().__setstate__((1, shape, kind.dtype, is_fortran, data))


def _empty_array(_kind: Any, _shape: Any, _code: Any) -> np.ndarray:
    """The first step of unpickling an array; its shape and bytes follow, and their sizes are checked."""
    return np.ndarray.__new__(_Array, (0,), np.int8)


def _array_of_bytes(
    data: Any, kind: _NumberType, shape: tuple[int, ...], order: Literal["C", "F"]
) -> np.ndarray:
    """Pickle protocol 5."""
    if not isinstance(data, bytes | bytearray):
        raise SourceError("refused: an array without bytes")
    return np.frombuffer(bytes(data), dtype=kind.dtype).reshape(shape, order=order)


def _latin1(text: str, _encoding: str) -> bytes:
    """Pickle protocol 2 writes bytes as text in this encoding."""
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Pickle protocol 2 writes empty bytes as a call without arguments; any other call fails."""
    return b""


def _number_type(code: str, *_flags: bool) -> _NumberType:
    """Types of plain numbers: others (objects, records) could hide something."""
    dtype = np.dtype(code) if isinstance(code, str) and len(code) <= 3 else None
    if dtype is None or dtype.kind not in _KINDS:
        raise SourceError(f"refused: an array of type {str(code)[:40]!r}")
    return _NumberType(dtype)


# The class of arrays is only ever named, as the kind of array that _reconstruct makes.
_BY_NAME = {"ndarray": object(), "dtype": _StandIn(_number_type)}
# The state of a dtype of numbers behind its byte order: no parts, no size of its own, no flags.
_PLAIN_NUMBER = (None, None, None, -1, -1, 0)
