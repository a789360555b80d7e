import pickle
import shutil
import struct

import numpy as np
import pytest
import torch

from model_store.errors import SourceError
from model_store.paddle import to_hugging_face
from model_store.paddle_inference import NAMES, PROGRAM, VALUES, read_inference_model
from model_store.pickles import read_arrays


@pytest.fixture
def exported(reference, tmp_path):
    folder = tmp_path / "exported"
    shutil.copytree(reference / "infer_tiny_visual_re", folder)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


def test_exported_tensors_equal_the_trained_ones(exported, reference):
    found = to_hugging_face(read_inference_model(exported))
    wanted = to_hugging_face(read_arrays(reference / "tiny_visual.re.model_state.pdparams"))
    assert len(found) == 352
    assert all(torch.equal(found[name], wanted[name]) for name in found)
    pruned = {name.removesuffix(".weight").removesuffix(".bias") for name in set(wanted) - set(found)}
    backbone = "layoutlmv2.visual.backbone.fpn_output"
    assert pruned == {"layoutlmv2.pooler.dense", *(f"{backbone}{number}" for number in (3, 4, 5))}


def message(number, *parts):
    """A protobuf field that holds bytes."""
    data = b"".join(parts)
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def variable(name, kind=7, persistable=1):
    return message(3, message(1, name.encode()), message(2, bytes([8, kind])), bytes([24, persistable]))


def tensor(array):
    kind = {"float32": 5, "int64": 3, "float16": 4}[str(array.dtype)]
    description = bytes([8, kind]) + b"".join(bytes([16, size]) for size in array.shape)
    return struct.pack("<IQIi", 0, 0, 0, len(description)) + description + array.tobytes()


def test_values_stand_in_the_order_of_the_variables_names(tmp_path):
    """Written by hand: variables in another order, and such as are not saved."""
    names = ("linear_1.w_0", "embedding_0.w_0", "conv2d_2.w_0")
    feed, scratch = variable("feed", kind=9), variable("a_scratch", persistable=0)
    (tmp_path / PROGRAM).write_bytes(message(1, b"\x08\x00", feed, *map(variable, names), scratch))
    arrays = {
        "conv2d_2.w_0": np.arange(6, dtype=np.float32).reshape(2, 3),
        "embedding_0.w_0": np.arange(4, dtype=np.int64),
        "linear_1.w_0": np.ones((1, 2), np.float16),
    }
    (tmp_path / VALUES).write_bytes(b"".join(map(tensor, arrays.values())))
    (tmp_path / NAMES).write_bytes(pickle.dumps({name: {"structured_name": f"m.{name}"} for name in names}))
    found = read_inference_model(tmp_path)
    assert set(found) == {f"m.{name}" for name in names}
    for name, array in arrays.items():
        assert found[f"m.{name}"].dtype == array.dtype
        np.testing.assert_array_equal(found[f"m.{name}"], array)


@pytest.mark.parametrize("name", [PROGRAM, VALUES, NAMES])
def test_a_missing_file_is_named(exported, name):
    (exported / name).unlink()
    with pytest.raises(SourceError, match=f"needs {name}"):
        read_inference_model(exported)


@pytest.mark.parametrize("name", [PROGRAM, VALUES, NAMES])
@pytest.mark.parametrize("share", [0, 0.3, 0.7, 0.9999])
def test_cut_files_are_refused(exported, name, share):
    data = (exported / name).read_bytes()
    (exported / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError):
        read_inference_model(exported)


def test_values_of_another_export_are_refused(exported):
    data = (exported / VALUES).read_bytes()
    (exported / VALUES).write_bytes(data + data)
    with pytest.raises(SourceError, match="holds 704 tensors, but the program names 352"):
        read_inference_model(exported)


def test_other_files_are_refused(exported):
    for name in (PROGRAM, VALUES, NAMES):
        good = (exported / name).read_bytes()
        (exported / name).write_bytes(b"no such thing at all " * 200)
        with pytest.raises(SourceError, match=name.replace(".", r"\.")):
            read_inference_model(exported)
        (exported / name).write_bytes(good)


@pytest.mark.parametrize(
    "program",
    [
        b"\x08\x2c",  # a number where a block should be
        message(1, b"\x18\x01"),  # where a variable should be
        message(
            1, message(3, b"\x08\xff\xff\xff\xff\x7f", message(2, b"\x08\x07"), b"\x18\x01")
        ),  # where a name
        message(1, message(3, message(2, b"\x08\x07"), b"\x18\x01")),  # a variable without a name
        message(1, message(3, message(1, b"w"), b"\x10\x07\x18\x01")),  # a number where a type should be
    ],
)
def test_programs_with_numbers_in_the_place_of_messages_are_refused(exported, program):
    (exported / PROGRAM).write_bytes(program)
    with pytest.raises(SourceError, match=r"inference\.pdmodel"):
        read_inference_model(exported)


def test_a_tensor_of_very_many_sizes_is_refused_at_once(exported):
    description = bytes([8, 5]) + b"\x10\xff\xff\xff\xff\x0f" * 200_000
    (exported / VALUES).write_bytes(struct.pack("<IQIi", 0, 0, 0, len(description)) + description)
    with pytest.raises(SourceError, match=r"inference\.pdiparams"):
        read_inference_model(exported)
