import json
import logging
import shutil
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import yaml
from onnxruntime import InferenceSession
from PIL import Image

from beam_kie.document import PageText
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.ocr import Engine, OcrOptions, create_engine, models
from beam_kie.ocr.rapid import RapidOcrEngine

ANGLES = [0, 90, 180, 270]
OPTIONS = OcrOptions(engine=Engine.RAPIDOCR, device="cpu", threads=1)


def read_one(engine, page) -> PageText:
    (text,) = engine.read([page])
    return text


def texts(page):
    return [line.text for line in page.lines]


def plain(text):
    return "".join(unicodedata.normalize("NFKC", text).split())


def joined(page):
    return plain("".join(texts(page)))


def test_lines_with_text_place_and_confidence_in_reading_order(rapid, form, form_lines, as_page):
    page = read_one(rapid, as_page(form, page=3))
    assert [plain(text) for text in texts(page)] == [plain(text) for text, _, _ in form_lines]
    assert (page.document_id, page.uri, page.page) == ("id", "scans/form.png", 3)
    assert (page.width_px, page.height_px) == form.shape[1::-1]
    assert (page.rotation_deg, page.text_source, page.preview) == (0, "ocr", None)
    for line, (_, left, top) in zip(page.lines, form_lines, strict=True):
        x0, y0, x1, y1 = line.box
        # The font leaves some room above the letters.
        assert (x0, y0) == pytest.approx((left, top + 8), abs=10)
        assert 24 < y1 - y0 < 64
        assert x1 - x0 > 3 * (y1 - y0)
        assert line.polygon[0] < line.polygon[2]
        assert line.polygon[1] < line.polygon[7]
        assert 0.8 < line.confidence <= 1


@pytest.mark.parametrize("rotation_deg", ANGLES[1:])
def test_a_turned_page_reads_as_if_it_had_been_upright(rapid, form, as_page, turned, rotation_deg):
    upright = read_one(rapid, as_page(form))
    page = read_one(rapid, as_page(turned(form, rotation_deg)))
    assert page == replace(upright, rotation_deg=rotation_deg)


def test_pages_do_not_influence_each_other(rapid, form, as_page, turned):
    pages = [as_page(form), as_page(turned(form, 180)), as_page(np.full_like(form, 255)), as_page(form[:200])]
    assert rapid.read(pages) == [read_one(rapid, page) for page in pages]
    assert rapid.read([]) == []


def test_threads_may_share_an_engine(rapid, form, as_page, turned):
    pages = [as_page(turned(form, angle)) for angle in (0, 180)] * 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda page: read_one(rapid, page), pages))
    assert together == [read_one(rapid, page) for page in pages]


@pytest.mark.parametrize("shape", [(400, 300), (1, 1), (20, 900), (900, 20), (5, 3000)])
def test_a_page_without_text_has_no_lines(rapid, as_page, shape):
    page = read_one(rapid, as_page(np.full((*shape, 3), 255, np.uint8)))
    assert (page.lines, page.rotation_deg) == ((), 0)
    assert (page.height_px, page.width_px) == shape


def test_a_strip_with_one_line_is_read(rapid, form, as_page):
    strip = form[52:112]
    page = read_one(rapid, as_page(strip))
    assert [plain(text) for text in texts(page)] == ["Applicationforregistrationofresidence"]
    assert page.lines[0].box[3] <= 60


def test_uncertain_lines_are_dropped(rapid, form, as_page):
    found = read_one(rapid, as_page(form)).lines
    limit = sorted(line.confidence for line in found)[3]
    certain = create_engine(replace(OPTIONS, min_confidence=limit))
    kept = read_one(certain, as_page(form)).lines
    assert kept == tuple(line for line in found if line.confidence >= limit)
    assert 0 < len(kept) < len(found)


def test_rotation_is_left_alone_where_nobody_asks_for_it(form, as_page, turned):
    engine = create_engine(replace(OPTIONS, detect_rotation=False))
    page = read_one(engine, as_page(turned(form, 90)))
    assert page.rotation_deg == 0
    assert (page.width_px, page.height_px) == form.shape[:2]


def test_columns_of_upright_characters_are_no_turned_page(rapid, as_page, draw_form):
    poem = ["春眠不覚暁処処聞啼鳥夜来風雨声花落知多少", "白日依山尽黄河入海流欲窮千里目更上一層楼"]
    characters = [
        (character, 600 - 160 * column, 40 + 36 * row)
        for column, verse in enumerate(poem)
        for row, character in enumerate(verse)
    ]
    page = read_one(rapid, as_page(draw_form(characters, size_px=(800, 820))))
    assert page.rotation_deg == 0
    assert len(page.lines) == 2


def test_the_lines_are_read_at_full_resolution(form, form_lines, as_page):
    """However small the page is made to look for lines."""
    large = np.full((1920, 3600, 3), 255, np.uint8)
    large[: form.shape[0], : form.shape[1]] = form
    page = read_one(create_engine(replace(OPTIONS, max_side=1600)), as_page(large))
    assert [plain(text) for text in texts(page)] == [plain(text) for text, _, _ in form_lines]


def test_onnxruntime_reads_the_same(form, form_lines, as_page, turned):
    engine = create_engine(replace(OPTIONS, rapidocr_backend="onnxruntime"))
    page = read_one(engine, as_page(turned(form, 90)))
    assert page.rotation_deg == 90
    assert [plain(text) for text in texts(page)] == [plain(text) for text, _, _ in form_lines]


def test_models_of_ones_own(tmp_path, rapid, form, as_page):
    for task in ("det", "rec"):
        (tmp_path / f"my_{task}").mkdir()
        shutil.copy(models.bundled_model(task), tmp_path / f"my_{task}" / "inference.onnx")
    own = replace(OPTIONS, det_model_dir=f"{tmp_path}/my_det", rec_model_dir=f"{tmp_path}/my_rec/")
    engine = create_engine(own)
    assert engine.name == "rapidocr/my_det+my_rec"
    assert rapid.name == "rapidocr/PP-OCRv6-small"
    assert engine.revision == rapid.revision
    assert read_one(engine, as_page(form)) == read_one(rapid, as_page(form))


def without_metadata(onnx_file: bytes) -> bytes:
    """The model without what its authors noted in it (field 14 of the outermost message)."""

    def varint(start):
        value = shift = 0
        while True:
            byte = onnx_file[start]
            value, shift, start = value | (byte & 127) << shift, shift + 7, start + 1
            if byte < 128:
                return value, start

    kept, position = b"", 0
    while position < len(onnx_file):
        tag, end = varint(position)
        length, end = varint(end)
        if tag % 8 == 2:  # a length and that many bytes, else just a number
            end += length
        if tag // 8 != 14:
            kept += onnx_file[position:end]
        position = end
    return kept


def test_the_dictionary_may_lie_beside_the_model(tmp_path, rapid, form, as_page):
    whole = models.bundled_model("rec")
    (tmp_path / "inference.onnx").write_bytes(without_metadata(whole.read_bytes()))
    characters = InferenceSession(whole).get_modelmeta().custom_metadata_map["character"].splitlines()
    settings = {"PostProcess": {"name": "CTCLabelDecode", "character_dict": characters}}
    (tmp_path / "inference.yml").write_text(yaml.safe_dump(settings), "utf-8")
    engine = create_engine(replace(OPTIONS, rec_model_dir=str(tmp_path)))
    assert read_one(engine, as_page(form)) == read_one(rapid, as_page(form))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rapidocr_backend": "tensorrt"}, ValueError, "choose one of openvino, onnxruntime, torch"),
        ({"engine": Engine.RAPIDOCR, "device": "cuda"}, ValueError, "openvino does not run on cuda"),
        (
            {"engine": Engine.RAPIDOCR, "device": "cuda", "rapidocr_backend": "onnxruntime"},
            ValueError,
            "onnxruntime-gpu",
        ),
        ({"rapidocr_backend": "torch"}, FileNotFoundError, "det_model_dir and rec_model_dir"),
        ({"det_model_dir": "/nowhere"}, FileNotFoundError, "/nowhere should hold inference.onnx"),
    ],
)
def test_what_cannot_be_loaded_says_so_at_once(options, error, message):
    with pytest.raises(error, match=message):
        create_engine(replace(OPTIONS, **options))


def test_no_connection_is_opened_and_nothing_is_logged(form, as_page, capfd, caplog, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    with caplog.at_level(logging.DEBUG):
        RapidOcrEngine(OPTIONS).read([as_page(form), as_page(np.full_like(form, 255))])
    captured = capfd.readouterr()
    assert captured.out + captured.err + caplog.text == ""


@pytest.mark.parametrize("rotation_deg", ANGLES)
@pytest.mark.parametrize(
    "file", ["xfund_zh_train/image/zh_train_20.jpg", "funsd_train/images/0000971160.png"]
)
def test_real_forms_are_read_upright(rapid, shared_data, as_page, turned, file, rotation_deg):
    pixels = np.asarray(Image.open(shared_data / file).convert("RGB"))
    page = read_one(rapid, as_page(turned(pixels, rotation_deg)))
    assert page.rotation_deg == rotation_deg
    assert (page.width_px, page.height_px) == pixels.shape[1::-1]
    assert len(page.lines) > 20


def pdf_pages(path, **options):
    return list(decode_pages(path.read_bytes(), "id", path.name, DecodeLimits(), **options))


@pytest.mark.parametrize(
    ("file", "rotations"),
    [
        ("ocr_test_rotated_90.pdf", [90]),
        ("ocr_test_rotated_180.pdf", [180]),
        ("ocr_test_rotated_270.pdf", [270]),
        ("nemotron_multipage.pdf", [0, 180, 270, 90]),
    ],
)
def test_turned_pdf_pages_read_like_the_upright_one(rapid, shared_data, file, rotations):
    folder = shared_data / "robust"
    expected = joined(read_one(rapid, *pdf_pages(folder / "ocr_test.pdf", pdf_dpi=100)))
    pages = rapid.read(pdf_pages(folder / file, pdf_dpi=100))
    assert [page.rotation_deg for page in pages] == rotations
    assert [joined(page) for page in pages] == [expected] * len(pages)


def test_most_lines_of_a_real_form_are_read_right(rapid, shared_data, as_page):
    folder = shared_data / "xfund_zh_train"
    rows = dict(row.split("\t") for row in (folder / "train.json").read_text("utf-8").splitlines())
    expected = [plain(item["transcription"]) for item in json.loads(rows["zh_train_20.jpg"])]
    page = read_one(
        rapid, as_page(np.asarray(Image.open(folder / "image" / "zh_train_20.jpg").convert("RGB")))
    )
    found = joined(page)
    assert sum(text in found for text in expected) > 0.8 * len(expected)
