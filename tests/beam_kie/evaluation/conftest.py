from dataclasses import replace

import pytest

from beam_kie.labelled.formats import LabelledPage, write_paddleocr
from tests.labelled_forms import FORM, draw


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A picture and a TIFF of two pages with different values, and their label file."""
    folder = tmp_path_factory.mktemp("labelled")
    second = {"Lee Green": "Mary Black", "Chess": "Skiing", "Rowing": "Ballet"}
    entries = tuple(replace(item, text=second.get(item.text, item.text)) for item in FORM.entries)
    pages = [
        LabelledPage("form.png", 900, 500, FORM.entries),
        LabelledPage("scan.tiff", 900, 500, FORM.entries),
        LabelledPage("scan.tiff", 900, 500, entries),
    ]
    draw(pages[0]).save(folder / "form.png")
    draw(pages[1]).save(folder / "scan.tiff", save_all=True, append_images=[draw(pages[2])])
    write_paddleocr(folder / "labels.txt", pages)
    return folder


@pytest.fixture(scope="module")
def engine():
    from beam_kie.ocr import create_engine

    return create_engine()
