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


def pickled_array(dtype_state: bytes) -> bytes:
    """A pickle, made by hand, of two numbers whose type has a state of its own."""
    kind = b"cnumpy\ndtype\nU\x03>f4K\x00K\x01\x87R(" + dtype_state + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    array += b"(K\x01K\x02\x85" + kind + b"\x89C\x08AAAAAAAAtb"
    return b"\x80\x02}X\x01\x00\x00\x00a" + array + b"s."


MINUS_ONE = b"J\xff\xff\xff\xff"
SUBARRAY = b"(cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(J\x00\x00\x00\x10tt"


@pytest.mark.parametrize(
    ("state", "is_whole"),
    [
        (b"K\x03U\x01<NNN" + 2 * MINUS_ONE + b"K\x00", True),
        (b"K\x03U\x01<NNN" + 2 * MINUS_ONE + b"K\x3f", False),  # says that the numbers are objects
        (b"K\x03U\x01<" + SUBARRAY + b"NN" + 2 * MINUS_ONE + b"K\x00", False),  # an array in every number
        (b"K\x03U\x01<NNNK\x50" + MINUS_ONE + b"K\x00", False),  # a size of its own
    ],
)
def test_types_of_numbers_are_what_their_code_says_and_nothing_else(tmp_path, state, is_whole):
    path = tmp_path / "x.pdparams"
    path.write_bytes(pickled_array(state))
    if is_whole:
        assert read_arrays(path)["a"].dtype == np.dtype("<f4")
        return
    with pytest.raises(SourceError, match="numbers"):
        read_arrays(path)


@pytest.mark.parametrize(
    "program",
    [
        b"cnumpy\nndarray\nJ\x00\x00\x00\x7f\x85\x85R.",  # an array of two gigabytes of nothing
        b"cnumpy.core.numeric\n_frombuffer\n(J\x00\x00\x00\x7fcnumpy\ndtype\nU\x02i1\x85RJ\x00\x00\x00\x7f\x85U\x01CtR.",
        b"c_codecs\nencode\nN}U\x07__doc__U\x01xs\x86b.",  # sets an attribute of a function
    ],
)
def test_what_may_be_called_makes_nothing_out_of_nothing_and_cannot_be_changed(tmp_path, program):
    path = tmp_path / "x.pdparams"
    path.write_bytes(b"\x80\x02" + program)
    with pytest.raises(SourceError):
        read_pickle(path)
