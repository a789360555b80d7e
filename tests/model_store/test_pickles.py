import os
import pickle

import numpy as np
import pytest

from model_store.errors import SourceError
from model_store.pickles import read_arrays, read_pickle


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "bool", "uint16"])
def test_arrays_of_every_protocol_come_back(tmp_path, protocol, dtype):
    array = (np.arange(12) % 5).astype(dtype).reshape(3, 4)
    wanted = {
        "a": array,
        "b": np.asfortranarray(array),
        "empty": array[:0],
        "number": np.array(array[0, 0]),
    }
    path = tmp_path / "x.pdparams"
    path.write_bytes(pickle.dumps({**wanted, "StructuredToParameterName@@": {"a": "linear_0"}}, protocol))
    found = read_arrays(path)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def test_hostile_pickle_is_refused_and_not_run(tmp_path):
    marker, path = tmp_path / "marker", tmp_path / "x.pdparams"
    path.write_bytes(pickle.dumps({"a": np.zeros(3), "b": Hostile(marker)}))
    with pytest.raises(SourceError, match=r"refused: .*\.system"):
        read_pickle(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        b"cnumpy\nndarray.tofile\n.",
        b"P0\n.",
        b"cnumpy\ndtype\n(S'O'\ntR.",
        b"cnumpy\ndtype\n(S'f4,O8'\ntR.",
    ],
)
def test_other_names_and_types_are_refused(tmp_path, program):
    path = tmp_path / "x"
    path.write_bytes(program)
    with pytest.raises(SourceError, match=r"refused|no pickle of arrays"):
        read_pickle(path)


def test_wrong_shape_allocates_no_memory(tmp_path):
    honest = pickle.dumps(np.zeros(4, np.int32), 4)
    path = tmp_path / "x"
    path.write_bytes(honest.replace(b"K\x04\x85", b"J\xff\xff\xff\x7f\x85"))
    with pytest.raises(SourceError):
        read_pickle(path)


def test_every_cut_is_noticed(tmp_path):
    whole = pickle.dumps({"a": np.arange(50, dtype=np.float32), "b": np.ones((2, 3))}, 4)
    path = tmp_path / "x.pdparams"
    for end in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:end])
        with pytest.raises(SourceError, match=r"x\.pdparams: cut off"):
            read_arrays(path)


@pytest.mark.parametrize("content", [[1, 2], {"a": "text"}, {"a": {"b": np.zeros(2)}}, {3: np.zeros(2)}, {}])
def test_other_contents_are_refused(tmp_path, content):
    path = tmp_path / "x.pdparams"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(SourceError, match=r"not tensors by name|not an array|no tensors"):
        read_arrays(path)
