"""Weights as Hugging Face has them (safetensors, pickles, lists of parts): tensors, or a SourceError."""

import io
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from beam_kie.layoutxlm.file_limits import ModelFileError, check_weights
from model_store.errors import SourceError
from model_store.hugging_face import part_names, read_file
from tests.fuzz.mutations import arbitrary, as_json, json_values, mutated, mutated_json
from tests.fuzz.sandbox import target

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.ones(4, np.int64),
    "c": np.zeros((0, 2), np.float16),
}
SAFE = save(TENSORS)
HEAD_BYTES = 8 + int.from_bytes(SAFE[:8], "little")
HEAD = json.loads(SAFE[8:HEAD_BYTES])
INDEX = {
    "metadata": {"total_size": 9},
    "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"},
}


def pytorch(zipped: bool) -> bytes:
    file = io.BytesIO()
    tensors = {name: torch.from_numpy(value) for name, value in TENSORS.items()}
    torch.save({"state_dict": tensors}, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


PICKLES = [pytorch(True), pytorch(False)]


def _saved(folder: str, name: str, data: bytes) -> Path:
    path = Path(folder, name)
    path.write_bytes(data)
    return path


def _read(name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for tensor in read_file(_saved(folder, name, data)).values():
            tensor.sum()


@target(SourceError)
def read_safetensors(data: bytes) -> None:
    _read("model.safetensors", data)


@target(SourceError)
def read_pytorch(data: bytes) -> None:
    _read("pytorch_model.bin", data)


@target(ModelFileError)
def look_at_head(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_weights(_saved(folder, "model.safetensors", data))


@target(SourceError)
def read_index(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in part_names(_saved(folder, "model.safetensors.index.json", data)):
            assert Path(name).name == name


@given(data=arbitrary(b"", b"\x10\0\0\0\0\0\0\0{"))
def test_any_bytes_as_safetensors(sandbox, data):
    sandbox.check(look_at_head, data)
    sandbox.check(read_safetensors, data)


@given(data=mutated([SAFE]))
def test_damaged_safetensors(sandbox, data):
    sandbox.check(read_safetensors, data)


@given(head=json_values() | mutated_json([HEAD]), size=st.none() | st.integers(0, 2**64 - 1))
def test_other_heads_of_safetensors(sandbox, head, size):
    written = as_json(head)
    size = len(written) if size is None else size
    sandbox.check(read_safetensors, size.to_bytes(8, "little") + written + SAFE[HEAD_BYTES:])


@given(data=arbitrary(b"", b"PK\x03\x04", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."))
def test_any_bytes_as_pytorchs_pickle(sandbox, data):
    sandbox.check(read_pytorch, data)


@given(
    data=mutated(
        PICKLES, (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"/data.pkl", b"cos\nsystem\n", b"h\0\x86", b"storage")
    )
)
def test_damaged_pytorch_pickles(sandbox, data):
    sandbox.check(read_pytorch, data)


@given(
    data=arbitrary(b"", b'{"weight_map": ')
    | mutated([as_json(INDEX)])
    | (json_values() | mutated_json([INDEX])).map(as_json)
)
def test_lists_of_parts(sandbox, data):
    sandbox.check(read_index, data)
