"""Exported Paddle models, three files of foreign bytes: arrays by name, or a SourceError."""

import pickle
import struct
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_store.errors import SourceError
from model_store.paddle_inference import NAMES, PROGRAM, VALUES, read_inference_model
from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target


def message(number: int, *parts: bytes) -> bytes:
    """A protobuf field that holds bytes."""
    data = b"".join(parts)
    return bytes([number << 3 | 2, len(data)]) + data


def variable(name: str, kind: int = 7) -> bytes:
    return message(3, message(1, name.encode()), message(2, bytes([8, kind])), bytes([24, 1]))


def tensor(array: np.ndarray) -> bytes:
    kind = {"float32": 5, "int64": 3}[str(array.dtype)]
    description = bytes([8, kind]) + b"".join(bytes([16, size]) for size in array.shape)
    return struct.pack("<IQIi", 0, 0, 0, len(description)) + description + array.tobytes()


FILES = {
    PROGRAM: message(1, bytes([8, 0, 16, 0]), variable("w_0"), variable("feed", 9), variable("w_1")),
    VALUES: tensor(np.arange(6, dtype=np.float32).reshape(2, 3)) + tensor(np.ones((2,), np.int64)),
    NAMES: pickle.dumps(
        {name: {"structured_name": f"layer.{name}", "stop_gradient": False} for name in ("w_0", "w_1")}, 2
    ),
}
NUMBERS = (
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x80" * 9 + b"\1",
    b"\x08\xff\xff\xff\xff\xff\x0f",
    b"\x10\0",
    b"\x12\x80\x01",
)
WORDS = (
    *NUMBERS,
    b"\x0a\0",
    b"\x1a\0",
    b"\x0a\x01",
    b"\x08\1",
    b"\x10\1",
    b"\x18\1",
    b"\x12\x02\x08\x07",
    b"\x09",
    b"\x0d",
    b"\x0b",
)


@target(SourceError)
def read(call: tuple[str, bytes]) -> None:
    name, data = call
    with tempfile.TemporaryDirectory() as folder:
        for each, content in {**FILES, name: data}.items():
            Path(folder, each).write_bytes(content)
        for key, value in read_inference_model(folder).items():
            assert isinstance(key, str) and value.nbytes < 1024 * 1024


@given(name=st.sampled_from(list(FILES)), data=arbitrary(b"", b"\x0a\x10", b"\0" * 16))
def test_any_bytes(sandbox, name, data):
    sandbox.check(read, (name, data))


@given(data=mutated([FILES[PROGRAM]], WORDS))
def test_damaged_programs(sandbox, data):
    sandbox.check(read, (PROGRAM, data))


@given(data=mutated([FILES[VALUES]], WORDS))
def test_damaged_values(sandbox, data):
    sandbox.check(read, (VALUES, data))


@given(data=mutated([FILES[NAMES]]))
def test_damaged_names(sandbox, data):
    sandbox.check(read, (NAMES, data))
