import json

import pytest
from PIL import Image

from beam_kie.evaluation import gold_pages
from beam_kie.labelled.formats import LabelledPage
from beam_kie.labelled.sources import (
    PictureError,
    missing_pictures,
    page_images,
    read_ocr_lines,
    scale_warning,
    with_pictures,
)
from beam_kie.layoutxlm.config import STRIPS
from tests.labelled_forms import FORM


def test_pages_of_files_are_found_by_their_numbers(tmp_path):
    shades = [Image.new("L", (300, 200), shade) for shade in (40, 120, 200)]
    shades[0].save(tmp_path / "a.tif", save_all=True, append_images=shades[1:])
    names = ["a.tif#page=3", "a.tif", "a.tif#page=2"]
    gold = gold_pages([LabelledPage(name, 300, 200, FORM.entries) for name in names])
    assert [page.page.page for page in gold] == [3, 1, 2]
    assert missing_pictures(gold, tmp_path) == []
    assert [image.pixels[0, 0, 0] for image in page_images(gold, tmp_path)] == [200, 40, 120]
    with pytest.raises(PictureError, match="no page 4"):
        list(page_images(gold_pages([LabelledPage("a.tif#page=4", 300, 200, FORM.entries)]), tmp_path))


def test_only_a_model_that_needs_whole_pictures_is_refused_without_a_folder(tmp_path):
    Image.new("L", (900, 500), 200).save(tmp_path / FORM.name)
    gold = gold_pages([FORM])

    assert with_pictures(gold, None, None) == with_pictures(gold, tmp_path, None) == gold
    assert with_pictures(gold, None, STRIPS) == gold
    assert with_pictures(gold, str(tmp_path), "hf")[0].page.picture
    with pytest.raises(PictureError, match="--images"):
        with_pictures(gold, None, "hf")


def test_lines_that_were_read_belong_to_their_page(tmp_path):
    path = tmp_path / "lines.jsonl"
    lines = [{"text": str(page), "polygon": [0, 0, 9, 0, 9, 9, 0, 9]} for page in (1, 2)]
    records = [{"uri": "x/a.tif", "page": page, "lines": [line]} for page, line in enumerate(lines, 1)]
    path.write_text("\n".join(map(json.dumps, records)))
    found = {name: lines[0].text for name, lines in read_ocr_lines(str(path)).items()}
    assert found == {"a.tif": "1", "a.tif#page=1": "1", "a.tif#page=2": "2"}


def test_labels_of_another_resolution_are_noticed():
    half = LabelledPage("h.png", 1800, 1000, FORM.entries[:5])
    larger = LabelledPage("l.png", 450, 250, FORM.entries)

    assert scale_warning(gold_pages([FORM])) is None
    assert "smaller copy" in scale_warning(gold_pages([half]))
    assert scale_warning(gold_pages([half, FORM])) is None
    assert "beyond their pictures" in scale_warning(gold_pages([larger]))
