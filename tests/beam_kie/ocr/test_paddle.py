import importlib.util
import os
import subprocess
import sys
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
import yaml

from beam_kie.ocr import OcrOptions, create_engine, models
from beam_kie.ocr.paddle import _bundled_settings

OPTIONS = OcrOptions(engine="paddleocr", device="cpu", threads=1)
pytestmark = pytest.mark.usefixtures("paddle_package")


def plain(text):
    return "".join(unicodedata.normalize("NFKC", text).split())


def texts(page):
    return [plain(line.text) for line in page.lines]


def test_lines_with_text_place_and_confidence_in_reading_order(paddle, form, form_lines, as_page):
    (page,) = paddle.read([as_page(form, page=3)])
    assert texts(page) == [plain(text) for text, _, _ in form_lines]
    assert (page.document_id, page.uri, page.page) == ("id", "scans/form.png", 3)
    assert (page.width_px, page.height_px) == form.shape[1::-1]
    assert (page.rotation_deg, page.text_source, page.preview) == (0, "ocr", None)
    for line, (_, left, top) in zip(page.lines, form_lines, strict=True):
        assert line.box[:2] == pytest.approx((left, top + 8), abs=10)
        assert line.polygon[0] < line.polygon[2]
        assert line.polygon[1] < line.polygon[7]
        assert 0.8 < line.confidence <= 1


def test_turned_pages_and_blank_ones(paddle, form, as_page, turned):
    (upright,) = paddle.read([as_page(form)])
    blank = np.full((300, 200, 3), 255, np.uint8)
    pages = [
        as_page(turned(form, 90)),
        as_page(blank),
        as_page(turned(form, 180)),
        as_page(turned(form, 270)),
    ]
    by_90, empty, by_180, by_270 = paddle.read(pages)
    assert by_90 == replace(upright, rotation_deg=90)
    assert by_180 == replace(upright, rotation_deg=180)
    assert by_270 == replace(upright, rotation_deg=270)
    assert (empty.lines, empty.rotation_deg, empty.width_px) == ((), 0, 200)


def test_an_upright_page_is_read_once(paddle, form, as_page, monkeypatch):
    calls = []
    predict = paddle._ocr.predict
    monkeypatch.setattr(paddle._ocr, "predict", lambda *args: calls.append(1) or predict(*args))
    paddle.read([as_page(form)])
    assert calls == [1]


def test_models_of_ones_own(tmp_path, form, form_lines, as_page):
    """The same weights under another name, as a user has them: a folder with model and settings each."""
    folders = {}
    for task in ("det", "rec"):
        folder = tmp_path / f"my_{task}"
        folder.mkdir()
        (folder / "inference.onnx").symlink_to(models.bundled_model(task))
        settings = _bundled_settings(task, models.bundled_model(task))
        (folder / "inference.yml").write_text(yaml.safe_dump(settings), "utf-8")
        folders[f"{task}_model_dir"] = str(folder)
    engine = create_engine(replace(OPTIONS, min_confidence=0.999, **folders))
    assert engine.name == "paddleocr/my_det+my_rec"
    (page,) = engine.read([as_page(form)])
    assert 0 < len(page.lines) < len(form_lines)
    assert all(line.confidence >= 0.999 for line in page.lines)


def test_both_engines_give_the_same_revision_of_the_same_models(paddle, rapid):
    assert paddle.name == "paddleocr/PP-OCRv6-small"
    assert paddle.revision == rapid.revision


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"paddle_engine": "tensorrt"}, ValueError, "choose one of onnxruntime, transformers, paddle"),
        ({"paddle_engine": "transformers"}, FileNotFoundError, "needs det_model_dir and rec_model_dir"),
        ({"det_model_dir": "/nowhere"}, FileNotFoundError, r"/nowhere has no inference\.yml"),
        ({"device": "cuda"}, ValueError, "onnxruntime-gpu"),
    ],
)
def test_what_cannot_be_loaded_says_so_at_once(options, error, message):
    with pytest.raises(error, match=message):
        create_engine(replace(OPTIONS, **options))


def test_a_missing_runtime_is_named(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "paddle" else find_spec(name)
    )
    with pytest.raises(ValueError, match="needs the Python package paddlepaddle"):
        create_engine(replace(OPTIONS, paddle_engine="paddle"))


def test_without_the_package_the_extra_is_named(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "paddleocr" else find_spec(name)
    )
    with pytest.raises(ValueError, match=r"'beam-kie\[paddle\]'"):
        create_engine(OPTIONS)


def test_no_connection_is_opened_and_nothing_is_printed(tmp_path):
    """In a process of its own, where the network raises and there is no cache of models."""
    code = """
import socket

def refuse(*args, **kwargs):
    raise AssertionError("the network was used")

socket.socket.connect = socket.getaddrinfo = refuse

import numpy as np
from beam_kie.document import PageImage
from beam_kie.ocr import OcrOptions, create_engine

engine = create_engine(OcrOptions(engine="paddleocr", device="cpu", threads=1))
engine.read([PageImage("id", "uri", 1, np.full((64, 64, 3), 255, np.uint8))])
"""
    environment = os.environ | {"HOME": str(tmp_path), "PADDLE_PDX_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "Creating model" not in done.stderr
