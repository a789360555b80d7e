"""Pickles of a few hundred bytes that would take years to load."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from model_store import hugging_face
from model_store.errors import SourceError
from model_store.pickle_limits import MAX_DEPTH, check_pickle
from model_store.pickles import read_pickle


def doubling_tuples(levels: int) -> bytes:
    """A dictionary of which the key is a tuple that holds another one twice, and so on."""
    made = b"\x80\x02})q\x00"
    for number in range(levels):
        made += b"h%c\x86q%c" % (number, number + 1)
    return made + b"K\x01s."


@pytest.mark.parametrize("reader", [read_pickle, hugging_face.read_file])
def test_tuples_that_double_at_every_level_are_refused(tmp_path, reader):
    path = tmp_path / "model.bin"
    path.write_bytes(doubling_tuples(45))
    with pytest.raises(SourceError, match=r"model\.bin: refused"):
        reader(path)


def test_they_are_found_in_a_pytorch_archive(tmp_path):
    path = tmp_path / "model.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", doubling_tuples(45))
        archive.writestr("model/version", "3")
    with pytest.raises(SourceError, match="refused"):
        hugging_face.read_file(path)


@pytest.mark.parametrize("made", [{frozenset({1})}, {"a": {1, 2}}])
def test_sets_are_refused(made):
    with pytest.raises(SourceError, match="sets"):
        check_pickle(io.BytesIO(pickle.dumps(made, 4)))


@pytest.mark.parametrize("protocol", range(6))
def test_what_tensors_need_passes(protocol):
    nested = ()
    for _ in range(MAX_DEPTH - 1):
        nested = (nested,)
    made = {"a": np.arange(6).reshape(2, 3), "b": [1, (2, "x")], "c": {"d": None}, "deep": nested}
    file = io.BytesIO(pickle.dumps(made, protocol) + b"rest")
    check_pickle(file)
    assert file.read() == b"rest"


@pytest.mark.parametrize("old", [True, False])
def test_files_of_pytorch_pass(tmp_path, old):
    path = tmp_path / "model.bin"
    torch.save({"w": torch.ones(2, 3)}, path, _use_new_zipfile_serialization=not old)
    assert hugging_face.read_file(path)["w"].tolist() == torch.ones(2, 3).tolist()


@pytest.mark.parametrize("data", [b"", b"\x80\x02", b"0.", b"u.", b"h\x05.", bytes(range(256))])
def test_damaged_pickles_are_named_so(data):
    with pytest.raises(SourceError):
        check_pickle(io.BytesIO(data))
