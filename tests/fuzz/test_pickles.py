"""Pickles of arrays, by Paddle and by PyTorch: arrays, or a SourceError; nothing in them is run."""

import pickle
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given

from model_store.errors import SourceError
from model_store.pickles import read_arrays, read_pickle
from tests.fuzz.mutations import arbitrary, mutated
from tests.fuzz.sandbox import target

TENSORS = {
    "a": np.arange(12, dtype=np.float32).reshape(3, 4),
    "b": np.asfortranarray(np.ones((2, 2), np.int64)),
    "empty": np.zeros((0, 3), np.float16),
    "StructuredToParameterName@@": {"a": "linear_0"},
}
NAMES = {"linear_0.w_0": {"structured_name": "a", "stop_gradient": False}, "x": {"structured_name": "b"}}
SEEDS = [pickle.dumps(value, protocol) for value in (TENSORS, NAMES) for protocol in (0, 2, 4, 5)]
WORDS = (
    b"cos\nsystem\n(S'false'\ntR",
    b"c__builtin__\neval\n",
    b"\x86" * 40,
    b"\x85\x85h\0\x86",
    b"(t",
    b"R",
    b"b",
    b"\x81",
    b"\x8e\0\0\0\0\0\1\0\0",
    b"B\xff\xff\xff\x7f",
    b"\x8b\xff\xff\xff\x7f",
    b"r\xff\xff\xff\x7f",
    b"(dp0\n",
    b"]q\0h\0a",
    b"cnumpy\nndarray\n",
    b"cnumpy\ndtype\n",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"X\4\0\0\0<f64",
    b"\x8f(\x90",
    b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb",
    b"}U\x01aU\x01bs\x86b",
)


@target(SourceError)
def unpickle(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.pdparams")
        path.write_bytes(data)
        try:
            for value in read_arrays(path).values():
                assert isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
                value.sum()
        finally:
            read_pickle(path)


@given(data=arbitrary(b"", b"\x80\x02", b"\x80\x04\x95"))
def test_any_bytes(sandbox, data):
    sandbox.check(unpickle, data)


@given(data=mutated(SEEDS, WORDS))
def test_damaged_pickles(sandbox, data):
    sandbox.check(unpickle, data)
