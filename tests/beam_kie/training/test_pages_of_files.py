"""Pages of a file with several (file#page=2): training, evaluation and calibration read each its own.

The network looks at the lines, so that every page's picture is read.
"""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from beam_kie.evaluation.__main__ import main as evaluate
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, write_paddleocr
from beam_kie.layoutxlm.inputs.strips import unpack_strips
from beam_kie.training.__main__ import main as train
from beam_kie.training.calibration.__main__ import main as calibrate
from beam_kie.training.data.pages import PageSource
from beam_kie.training.planning.plan import make_plan
from beam_kie.training.settings import Settings
from tests.small_networks import STRIPS_KIND, save_model, small_network

PAGES, SIZE = 4, (400, 300)


def shade(number):
    return 40 * number


def labelled(number):
    """A key and its value in boxes of the page's own shade; the boxes of every page are elsewhere."""
    top = 20 + 40 * number
    key = LabelledEntry(0, "Weight", "QUESTION", box_polygon((20, top, 120, top + 24)), ((0, 1),))
    value = LabelledEntry(1, f"{number} kg", "ANSWER", box_polygon((140, top, 240, top + 24)), ((0, 1),))
    return LabelledPage("scan.tif" if number == 1 else f"scan.tif#page={number}", *SIZE, (key, value))


def picture(page, number):
    image = Image.new("L", SIZE, 255)
    for entry in page.entries:
        ImageDraw.Draw(image).rectangle((*entry.polygon[:2], *entry.polygon[4:6]), fill=shade(number))
    return image


@pytest.fixture
def folder(tmp_path):
    """A model that looks at lines, a TIFF of four pages, its labels, and what OCR is said to have read."""
    save_model(tmp_path / "start", small_network(**STRIPS_KIND))
    pages = [labelled(number) for number in range(1, PAGES + 1)]
    write_paddleocr(tmp_path / "labels.txt", pages)
    first, *others = (picture(page, number) for number, page in enumerate(pages, 1))
    (tmp_path / "scans").mkdir()
    first.save(tmp_path / "scans" / "scan.tif", save_all=True, append_images=others)
    with open(tmp_path / "ocr.jsonl", "w") as file:
        for number, page in enumerate(pages, 1):
            lines = [{"text": e.text, "polygon": list(e.polygon)} for e in page.entries]
            file.write(json.dumps({"uri": "scans/scan.tif", "page": number, "lines": lines}) + "\n")
    source = {"labels": "labels.txt", "images": "scans", "ocr_lines": "ocr.jsonl", "holdout": "#page=[34]"}
    settings = {"output": "run", "start_from": "start", "sources": [source], "steps": 2, "threads": 1}
    settings |= {"precision": "float32", "mask_rate": 0}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    return tmp_path


def shades(strips):
    """The darkest value of each line's picture, a little changed by resampling."""
    return [int(np.min(strip)) for strip in strips if strip is not None]


def test_lines_are_cut_from_the_page_that_their_labels_name(folder):
    source = PageSource(make_plan(Settings.load(folder / "settings.json")))
    (held,) = source.held_out.values()
    (read,) = source.held_out_read.values()
    for pages in (held, read):
        assert [page.name for page in pages] == ["scan.tif#page=3", "scan.tif#page=4"]
        for number, page in zip((3, 4), pages, strict=True):
            assert page.page.picture is not None
            found = shades(unpack_strips(page.page.picture))
            assert len(found) == 2 and all(abs(each - shade(number)) < 15 for each in found)


def test_training_evaluation_and_calibration_take_them(folder, capsys):
    settings, model = str(folder / "settings.json"), str(folder / "run" / "model")
    assert train(["--config", settings, "--device", "cpu"]) == 0
    assert json.loads((folder / "run" / "model" / "config.json").read_text())["strip_channels"] == [4, 6, 8]
    labels = ["--labels", str(folder / "labels.txt"), "--images", str(folder / "scans"), "--only", "#page=2"]
    assert evaluate(["--model", model, *labels, "--device", "cpu", "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["documents"] == 1
    flags = ["--model", model, "--config", settings, "--device", "cpu", "--quiet", "--force"]
    assert calibrate(flags) == 0
    assert "2 held-out" not in capsys.readouterr().err
