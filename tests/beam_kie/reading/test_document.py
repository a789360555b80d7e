import importlib
import io
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw, ImageFont

import beam_kie
from beam_kie.document import Category
from beam_kie.layoutxlm.pair import load_kie
from beam_kie.reading import document as documents
from beam_kie.reading import models
from beam_kie.reading.document import read
from beam_kie.reading.options import ReadOptions
from beam_kie.reading.results import TABLES
from beam_kie.tables.schema import SCHEMAS
from tests.beam_kie.imaging.test_pdf import HELLO, make_pdf, picture_page
from tests.parquet_files import write_parquet
from transforms.launch.cli import main as run

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "samples"
INVOICE = SAMPLES / "en_invoice.jpg"


@pytest.fixture(scope="module")
def invoice():
    return beam_kie.read(INVOICE)


def test_a_path_gives_lines_entities_and_pairs(invoice):
    (page,) = invoice.pages
    assert (invoice.name, invoice.format, invoice.page_count, page.number) == (str(INVOICE), "jpeg", 1, 1)
    assert invoice.lines == page.lines and "INVOICE" in {line.text for line in page.lines}
    assert {"QUESTION", "ANSWER"} <= {entity.label for entity in invoice.entities}
    found = {pair.key: pair for pair in invoice.pairs}
    date = found["Invoice date:"]
    assert (date.value, date.value_type, date.normalised) == ("2016-03-05", "date", "2016-03-05")
    assert 0 < date.confidence <= 1 and date.key_box[0] < date.value_box[0]


def test_rows_are_those_of_a_run(invoice, tmp_path):
    files = [f"--input={INVOICE}", f"--output={tmp_path}", "--run_id=r", "--overlays=none", "--review=false"]
    assert run(files) == 0
    for table in ("key_values", "entities", "lines", "pages"):
        (file,) = (tmp_path / table).rglob("*.parquet")
        ours = pq.read_table(io.BytesIO(write_parquet(table, invoice.rows(table))))
        assert ours.num_rows > 0
        assert ours.drop_columns("options_digest").equals(pq.read_table(file).drop_columns("options_digest"))


def test_pandas_has_the_columns_of_a_run(invoice):
    for table in TABLES:
        frame = invoice.to_pandas(table)
        assert isinstance(frame, pandas.DataFrame) and list(frame) == SCHEMAS[table].names
        assert len(frame) == len(invoice.rows(table))
    assert len(invoice.to_pandas()) == len(invoice.pairs)
    with pytest.raises(ValueError, match="key_values"):
        invoice.to_pandas("pairs")


def test_plain_values_can_be_json(invoice):
    plain = json.loads(json.dumps(invoice.to_dict()))
    (page,) = plain["pages"]
    assert (plain["format"], page["page"], plain["failures"]) == ("jpeg", 1, [])
    assert [pair["key_text"] for pair in page["pairs"]] == [pair.key for pair in invoice.pairs]
    assert len(page["lines"]) == len(invoice.lines) and len(page["entities"]) == len(invoice.entities)


def test_bytes_and_pictures_give_what_the_file_gives(invoice):
    data = INVOICE.read_bytes()
    from_bytes = read(data, name="mine")
    assert from_bytes.name == "mine" and from_bytes.pairs == invoice.pairs
    from_picture = read(Image.open(io.BytesIO(data)))
    assert from_picture.format == "image" and from_picture.pairs == invoice.pairs


def test_a_notebook_shows_the_page_and_its_text_stays_text(invoice):
    png = Image.open(io.BytesIO(invoice.pages[0]._repr_png_()))
    assert png.format == "PNG" and max(png.size) <= 1600
    page = invoice.pages[0]
    row = page.tables["key_values"][0] | {"key_text": "<script>x</script>"}
    hostile = replace(invoice, name="<b>.jpg", pages=(replace(page, tables={"key_values": [row]}),))
    shown = hostile._repr_html_()
    assert "&lt;script&gt;" in shown and "<script>" not in shown and "<b>" not in shown
    assert "data:image/jpeg;base64," in shown


def test_documents_without_pictures_have_none():
    document = read(SAMPLES / "fr_application.jpg", preview_side=None)
    assert document.pages[0]._repr_png_() is None and "<img" not in document._repr_html_()
    with pytest.raises(ValueError):
        document.pages[0].picture()


@pytest.mark.parametrize(
    ("source", "category"),
    [
        (SAMPLES / "broken.jpg", Category.FILE_CORRUPT),
        (SAMPLES / "README.md", Category.FORMAT_UNSUPPORTED),
        (str(SAMPLES / "missing.jpg"), Category.SOURCE_UNAVAILABLE),
        ("zero\0byte.jpg", Category.SOURCE_UNAVAILABLE),
        (SAMPLES, Category.SOURCE_UNAVAILABLE),
        ("gs://bucket/a.jpg", Category.SOURCE_UNAVAILABLE),
        (b"", Category.FILE_EMPTY),
        (b"\xff\xd8\xff" + bytes(1_000), Category.FILE_CORRUPT),
        (Image.new("1", (70_000, 2)), Category.IMAGE_TOO_LARGE),
    ],
    ids=range(9),
)
def test_what_cannot_be_read_raises_one_kind_of_error(source, category):
    with pytest.raises(beam_kie.DocumentError) as caught:
        read(source)
    assert caught.value.category is category and caught.value.message


def test_a_picture_that_breaks_off_is_a_document_error():
    with pytest.raises(beam_kie.DocumentError) as caught:
        read(Image.open(SAMPLES / "broken.jpg"))
    assert caught.value.category is Category.FILE_CORRUPT


def test_a_page_that_is_damaged_in_part_is_read_and_told():
    cut, objects = picture_page(INVOICE.read_bytes()[:20_000], *Image.open(INVOICE).size)
    found = read(make_pdf(HELLO, cut, objects=objects), name="scan.pdf")
    assert [page.number for page in found.pages] == [1, 2]
    assert [(failure.page, failure.category) for failure in found.failures] == [(2, Category.FILE_CORRUPT)]
    assert [row["status"] for row in found.rows("pages")] == ["SUCCESS", "PARTIAL"]


def test_a_page_that_fails_does_not_take_the_others_along():
    first = Image.new("RGB", (600, 800), "white")
    second = Image.new("1", (3_000, 3_000))
    file = io.BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=[second])
    document = read(file.getvalue(), max_pixels=1_000_000)
    assert (document.page_count, len(document.pages)) == (2, 1)
    (failure,) = document.failures
    assert (failure.page, failure.category) == (2, Category.IMAGE_TOO_LARGE)
    assert [row["page"] for row in document.rows("failures")] == [2]
    assert document.to_dict()["failures"][0]["category"] == "IMAGE_TOO_LARGE"
    assert "IMAGE_TOO_LARGE" in document._repr_html_()


def test_a_defect_of_ocr_is_a_failure_without_the_text_of_the_page(monkeypatch):
    class Broken:
        def read(self, images):
            raise RuntimeError("secret text of the page")

    monkeypatch.setattr(documents, "models_of", lambda options: models.Models(Broken(), None, None))
    with pytest.raises(beam_kie.DocumentError) as caught:
        read(INVOICE)
    assert caught.value.category is Category.OCR_FAILED and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"pdf_dpi": 5}, ValueError),
        ({"ocr_engine": "tesseract"}, ValueError),
        ({"preview_side": 10}, ValueError),
        ({"model": "nowhere"}, ValueError),
        ({"max_page": 3}, TypeError),
        ({"options": ReadOptions(), "pdf_dpi": 100}, TypeError),
    ],
    ids=str,
)
def test_wrong_options_are_refused(values, error):
    with pytest.raises(error):
        read(INVOICE, **values)
    with pytest.raises(TypeError):
        read(42)


def test_ambiguous_values_are_read_as_the_options_say():
    image = Image.new("RGB", (900, 300), "white")
    font = ImageFont.load_default(40)
    ImageDraw.Draw(image).text((40, 100), "Invoice date: 03/04/2021", fill="black", font=font)
    for order, date in (("dmy", "2021-04-03"), ("mdy", "2021-03-04")):
        (pair,) = [each for each in read(image, date_order=order).pairs if each.value]
        assert (pair.value, pair.normalised) == ("03/04/2021", date)


def test_models_are_loaded_once_by_all_threads(monkeypatch):
    loads = []

    def load(*arguments, **options):
        loads.append(arguments)
        time.sleep(0.05)
        return load_kie(*arguments, **options)

    monkeypatch.setattr(models, "load_kie", load)
    models.release_models()
    options = ReadOptions()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(models.models_of, [options] * 4))
    assert len(loads) == 1 and len({id(each.kie) for each in found}) == 1
    assert models.models_of(ReadOptions(dtype="float32")).kie is not found[0].kie
    assert models.models_of(ReadOptions(dtype="float32")).engine is found[0].engine
    models.release_models()
    assert models.models_of(options).kie is not found[0].kie


def test_importing_the_package_stays_cheap():
    code = "import sys, beam_kie; print({'torch', 'numpy', 'cv2'} & set(sys.modules), dir(beam_kie))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("set()") and "'read'" in ran.stdout
    with pytest.raises(AttributeError):
        _ = beam_kie.nothing


def test_type_checkers_know_the_lazy_names():
    for package in ("beam_kie", "transforms"):
        stub = (ROOT / package / "__init__.pyi").read_text(encoding="utf-8")
        module = importlib.import_module(package)
        for name, target in module._LAZY.items():
            place, _, attribute = target.partition(":")
            assert f"from {place} import {attribute} as {name}" in stub
