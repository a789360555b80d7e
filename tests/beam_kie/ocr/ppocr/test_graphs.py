import numpy as np
import onnxruntime
import openvino as ov
import pytest

from beam_kie.ocr import models
from beam_kie.ocr.ppocr import graphs

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


@pytest.fixture(scope="module")
def picture():
    """Some dark bars on light paper, like lines of text."""
    noise = np.random.default_rng(7)
    pixels = noise.integers(200, 256, (96, 160, 3), dtype=np.uint8)
    for top in (20, 60):
        for left in range(16, 140, 12):
            pixels[top : top + 14, left : left + 5] = noise.integers(0, 90, 3)
    return pixels


def as_pp_ocr(pixels):
    """What PP-OCR's own pictures are: BGR, black -1 to white 1."""
    return (pixels[:, :, ::-1].transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)


def run(model, values):
    compiled = ov.Core().compile_model(model, "CPU", EXACT)
    return [np.array(value) for value in compiled([values]).values()]


def reference(path, pixels):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: as_pp_ocr(pixels)})[0]


def test_the_detector_finds_what_its_file_does_without_transposed_convolutions(picture):
    path = models.bundled_model("det")
    model = graphs.load_detector(path)
    assert "ConvolutionBackpropData" not in {node.get_type_name() for node in model.get_ops()[-20:]}
    (found,) = run(model, picture[None])
    expected = reference(path, picture)
    assert found.shape == expected.shape
    assert np.abs(found / 255.0 - expected).max() < 0.51 / 255
    assert 0.05 < expected.mean() < 0.95


def test_the_recogniser_in_two_parts_reads_what_its_file_does(picture):
    path = models.bundled_model("rec")
    line = np.ascontiguousarray(picture[10:58])
    recogniser = graphs.load_recogniser(path)
    (features,) = run(graphs.fixed_line(recogniser.features, 48, 160), line[None])
    (of_any_width,) = run(graphs.fixed_line(recogniser.features, 48, None), line[None])
    assert np.abs(features - of_any_width).max() < 1e-3
    frames = features[0]
    best, probability = run(graphs.head(recogniser.weights, recogniser.bias, len(frames)), frames)
    expected = reference(path, line)[0]
    assert len(frames) == len(expected) == 160 // 8
    assert np.abs(probability[:, 0] - expected.max(axis=1)).max() < 1e-4
    assert (best[:, 0] == expected.argmax(axis=1)).all()
    assert len(recogniser.stored_characters.splitlines()) + 2 == recogniser.bias.size


def test_a_network_of_another_kind_is_refused_in_one_line():
    with pytest.raises(graphs.UnknownNetworkError, match="--ocr_engine rapidocr"):
        graphs.load_recogniser(models.bundled_model("det"))


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    path = tmp_path / "inference.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ValueError, match="no ONNX file"):
        graphs.load_detector(path)
