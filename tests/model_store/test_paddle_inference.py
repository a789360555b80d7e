import shutil

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
