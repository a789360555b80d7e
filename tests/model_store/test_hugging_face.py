import json
import os
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from model_store.errors import SourceError
from model_store.hugging_face import read_weights

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(3), "ids": torch.arange(4)}


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def same(found):
    return set(found) == set(TENSORS) and all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def write_parts(folder, suffix):
    parts = {"a.weight": f"part-1{suffix}", "b": f"part-2{suffix}", "ids": f"part-2{suffix}"}
    for part in set(parts.values()):
        tensors = {name: TENSORS[name] for name, where in parts.items() if where == part}
        save_file(tensors, folder / part) if suffix == ".safetensors" else torch.save(tensors, folder / part)
    name = "model.safetensors.index.json" if suffix == ".safetensors" else "pytorch_model.bin.index.json"
    (folder / name).write_text(json.dumps({"metadata": {}, "weight_map": parts}))
    return folder / name


def test_safetensors(tmp_path):
    save_file(TENSORS, tmp_path / "model.safetensors")
    assert same(read_weights(tmp_path))


@pytest.mark.parametrize("zipped", [True, False])
def test_pickle(tmp_path, zipped):
    torch.save(TENSORS, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    assert same(read_weights(tmp_path))


def test_training_state_around_the_tensors(tmp_path):
    torch.save({"state_dict": TENSORS, "epoch": 3}, tmp_path / "pytorch_model.bin")
    assert same(read_weights(tmp_path))


@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
def test_parts(tmp_path, suffix):
    index = write_parts(tmp_path, suffix)
    assert same(read_weights(tmp_path))
    (tmp_path / f"part-2{suffix}").unlink()
    with pytest.raises(SourceError, match=f"part-2{suffix}, a part of the weights, is missing"):
        read_weights(tmp_path)
    index.write_text(json.dumps({"weight_map": {"a.weight": f"part-1{suffix}", "z": f"part-1{suffix}"}}))
    with pytest.raises(SourceError, match="1 tensors are in no part, for example z"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", ["../x.bin", "/etc/passwd", "a/b.safetensors", "x.py"])
def test_index_that_leads_elsewhere(tmp_path, name):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(SourceError, match="refused: a part of the weights is called"):
        read_weights(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": 3}'])
def test_broken_index(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(SourceError, match="no index of weights"):
        read_weights(tmp_path)


def test_half_precision_becomes_float32(tmp_path):
    torch.save(
        {"a": torch.ones(2, dtype=torch.bfloat16), "n": torch.arange(2)}, tmp_path / "pytorch_model.bin"
    )
    found = read_weights(tmp_path)
    assert (found["a"].dtype, found["n"].dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize("zipped", [True, False])
def test_hostile_pickle_is_refused_and_not_run(tmp_path, zipped):
    marker, path = tmp_path / "marker", tmp_path / "pytorch_model.bin"
    torch.save({"a": Hostile(marker)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(SourceError, match="refused: it holds more than tensors"):
        read_weights(tmp_path)
    path.write_bytes(pickle.dumps(Hostile(marker)))
    with pytest.raises(SourceError, match="nothing of it was run"):
        read_weights(tmp_path)
    assert not marker.exists()


def repacked(path, compression=zipfile.ZIP_STORED, **replaced):
    """The archive at ``path`` with other contents or names of its members; {"name": (other name, bytes)}."""
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(*replaced.get(name.rpartition("/")[2].partition(".")[0], (name, data)))


def nested_tuples(depth):
    """A dictionary whose key takes twice as long to hash with every level."""
    return b"\x80\x02})" + b"2\x86" * depth + b"K\x01s."


@pytest.mark.parametrize("name", ["pytorch_model/data.pkl", "pytorch_model/DATA.PKL"])
def test_a_pickle_that_would_take_for_ever_is_refused_however_its_name_is_written(tmp_path, name):
    path = tmp_path / "pytorch_model.bin"
    torch.save(TENSORS, path)
    repacked(path, data=(name, nested_tuples(60)))
    with pytest.raises(SourceError, match="refused: the pickle nests"):
        read_weights(tmp_path)


def test_compressed_members_are_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.zeros(10_000_000)}, path)
    repacked(path, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(SourceError, match="refused: it is compressed"):
        read_weights(tmp_path)


def test_members_that_lie_on_top_of_each_other_are_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.zeros(1000)}, path)
    data = path.read_bytes()
    start = data.index(b"PK\1\2")
    end = data.index(b"PK\6\6") if b"PK\6\6" in data else data.index(b"PK\5\6")
    with zipfile.ZipFile(path) as archive:
        count = len(archive.infolist())
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2 * count, 2 * count, 2 * (end - start), start, 0)
    path.write_bytes(data[:end] + data[start:end] + tail)
    with pytest.raises(SourceError, match="refused: its members claim"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.95])
def test_cut_files(tmp_path, name, share):
    path = tmp_path / name
    save_file(TENSORS, path) if name.endswith("tensors") else torch.save(TENSORS, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match="cut off"):
        read_weights(tmp_path)


def test_other_contents(tmp_path):
    for content in (TENSORS["b"], {"a": "text"}, {}, [TENSORS["b"]]):
        torch.save(content, tmp_path / "pytorch_model.bin")
        with pytest.raises(SourceError, match=r"not a tensor|no tensors"):
            read_weights(tmp_path)


def test_empty_folder(tmp_path):
    with pytest.raises(SourceError, match="holds none of"):
        read_weights(tmp_path)


def test_a_member_whose_name_is_no_text_makes_no_weights(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    torch.save(TENSORS, path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"pytorch_model/version", b"\x80ytorch_model/version"))
    with pytest.raises(SourceError, match="cut off"):
        read_weights(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_text_that_no_name_is_as_long_as_is_refused_at_once(tmp_path, zipped):
    path = tmp_path / "pytorch_model.bin"
    torch.save(TENSORS | {"x" * 300_000: torch.ones(1)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(SourceError, match="refused: the pickle holds a longer text"):
        read_weights(tmp_path)
