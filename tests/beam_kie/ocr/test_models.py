import pytest

from beam_kie.ocr import models


def test_the_models_of_the_package_are_there():
    for task in ("det", "rec"):
        assert models.bundled_model(task).stat().st_size > 1_000_000


def test_a_folder_may_hold_inference_or_a_single_model(tmp_path):
    (tmp_path / "mine.onnx").touch()
    assert models.model_file(tmp_path, ".onnx").name == "mine.onnx"
    (tmp_path / "inference.onnx").touch()
    assert models.model_file(tmp_path, ".onnx").name == "inference.onnx"


def test_a_folder_without_a_model_or_with_several_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"inference\.onnx.*there is none"):
        models.model_file(tmp_path, ".onnx")
    (tmp_path / "a.onnx").touch()
    (tmp_path / "b.onnx").touch()
    with pytest.raises(FileNotFoundError, match="2 of them"):
        models.model_file(tmp_path, ".onnx")


def test_inference_yml(tmp_path):
    assert models.read_inference_yml(tmp_path) == {}
    (tmp_path / "inference.yml").write_text("Global:\n  model_name: mine\n")
    assert models.read_inference_yml(tmp_path) == {"Global": {"model_name": "mine"}}
    (tmp_path / "inference.yml").write_text("[1, 2]")
    assert models.read_inference_yml(tmp_path) == {}
    (tmp_path / "inference.yml").write_text("Global: 3\nPostProcess: {a: b}")
    assert models.read_inference_yml(tmp_path) == {"PostProcess": {"a": "b"}}


@pytest.mark.parametrize("text", ["a: [", "[" * 5000, "a: 2001-99-99", "? {[]: 1}\n: 2", "a: !!int x"])
def test_a_damaged_inference_yml_is_refused(tmp_path, text):
    (tmp_path / "inference.yml").write_text(text)
    with pytest.raises(ValueError, match=r"inference\.yml is not readable"):
        models.read_inference_yml(tmp_path)


def test_the_revision_follows_the_content(tmp_path):
    first, second = tmp_path / "a.onnx", tmp_path / "b.onnx"
    first.write_bytes(b"weights")
    second.write_bytes(b"others")
    revision = models.revision([first, second])
    assert len(revision) == 12
    assert revision == models.revision([first, second])
    assert revision != models.revision([second, first])
    moved = tmp_path / "moved.onnx"
    moved.write_bytes(b"weights")
    assert revision == models.revision([moved, second])
    moved.write_bytes(b"trained again")
    assert revision != models.revision([moved, second])
