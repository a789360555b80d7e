import numpy as np
import onnxruntime
import pytest
import torch

from beam_kie.ocr import models
from beam_kie.ocr.ppocr.graphs import UnknownNetworkError
from beam_kie.ocr.ppocr.pytorch import networks


@pytest.fixture(scope="module")
def pictures(form):
    """Two parts of the form as PP-OCR takes them: BGR, black -1 to white 1."""
    parts = [np.ascontiguousarray(form[top : top + 96, 60:380]) for top in (40, 150)]
    return np.stack([part[:, :, ::-1].transpose(2, 0, 1) / 127.5 - 1 for part in parts]).astype(np.float32)


def reference(path, values):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: values})[0])


def test_the_detector_finds_what_its_file_does(pictures):
    path = models.bundled_model("det")
    with torch.inference_mode():
        found = networks.load_detector(path)(torch.from_numpy(pictures)).numpy()
    expected = reference(path, pictures)[:, 0]
    assert np.abs(found - expected).max() < 1e-4
    assert expected.max() > 0.9


@pytest.mark.parametrize("name", ["small", "tiny"])
def test_a_recogniser_reads_what_its_file_does(pictures, tiny_file, name):
    path = models.bundled_model("rec") if name == "small" else tiny_file
    lines = np.ascontiguousarray(pictures[:, :, 14:62])
    recogniser = networks.load_recogniser(path)
    with torch.inference_mode():
        features = recogniser(torch.from_numpy(lines))
        found = torch.softmax(features @ recogniser.weight.T + recogniser.bias, dim=2).numpy()
    expected = reference(path, lines)
    assert np.abs(found - expected).max() < 1e-4
    assert (found.argmax(axis=2) == expected.argmax(axis=2)).all()
    assert len(set(expected.argmax(axis=2).ravel())) > 10
    assert (recogniser.stored_characters is None) == (name == "tiny")


def test_a_network_of_another_kind_is_refused_in_one_line():
    with pytest.raises(UnknownNetworkError, match="--ocr_device cpu"):
        networks.load_recogniser(models.bundled_model("det"))
    with pytest.raises(UnknownNetworkError, match="--ocr_device cpu"):
        networks.load_detector(models.bundled_model("rec"))


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    path = tmp_path / "inference.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ValueError, match="no ONNX file"):
        networks.load_detector(path)
