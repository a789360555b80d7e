"""Pictures for labelled pages that have none, through the command and back through OCR."""

import json

import pytest
from PIL import Image

from beam_kie.forms import generate_layout
from beam_kie.labelled.formats import read_labels, write_paddleocr
from beam_kie.training.data.ocr_lines import agreement
from beam_kie.training.data.ocr_lines import main as read_lines
from beam_kie.training.rendering.__main__ import main


def labels_file(folder, name="page.png", dpi=150):
    """A generated form's labels, without its picture."""
    path = folder / "labels.txt"
    write_paddleocr(path, [generate_layout("de", 1, "registration", dpi=dpi).labelled_page(name)])
    return path


def test_labels_become_pictures_that_ocr_reads_in_the_pixels_of_the_labels(tmp_path, capsys):
    """Labels at 300 dpi, a picture of half that: the lines are found where the labels are."""
    labels = labels_file(tmp_path, dpi=300)
    (page,) = read_labels(labels)
    assert main([str(labels), "--output", str(tmp_path / "pictures")]) == 0
    assert "1 of 1 pages; 0 words that stand on end" in capsys.readouterr().err
    with Image.open(tmp_path / "pictures" / "page.png") as picture:
        assert max(picture.size) == 1754
    lines = tmp_path / "lines.jsonl"
    command = [str(tmp_path / "pictures"), "--output", str(lines), "--labels", str(labels)]
    assert read_lines(command) == 0
    record = json.loads(lines.read_text("utf-8"))
    assert (record["width"], record["height"]) == (page.width_px, page.height_px)
    agreed = agreement(page, record)
    assert agreed.entities > 20
    assert agreed.read >= 0.85 * agreed.entities
    said = f"{agreed.entities} labelled entities: {agreed.found} with lines on them, {agreed.read} read"
    assert said in capsys.readouterr().out


def test_seed_and_size_reach_the_picture(tmp_path):
    labels = labels_file(tmp_path, dpi=60)
    pictures = {}
    for seed in "1", "2":
        folder = tmp_path / seed
        assert main([str(labels), "--output", str(folder), "--seed", seed, "--longer_side", "400"]) == 0
        with Image.open(folder / "page.png") as picture:
            assert max(picture.size) == 400
            pictures[seed] = picture.tobytes()
    assert pictures["1"] != pictures["2"]


@pytest.mark.parametrize("name", ["../page.png", "scans/page.png", "page", "form.pdf", "form.tif#page=2"])
def test_names_that_are_no_picture_names_are_refused(tmp_path, capsys, name):
    labels = labels_file(tmp_path, name, dpi=60)
    assert main([str(labels), "--output", str(tmp_path / "out")]) == 2
    assert repr(name) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_labels_and_sizes_are_reported(tmp_path, capsys):
    assert main([str(tmp_path / "none.json"), "--output", str(tmp_path / "out")]) == 2
    assert "none.json" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main([str(labels_file(tmp_path)), "--output", str(tmp_path / "out"), "--longer_side", "20"])
    assert stopped.value.code == 2
    assert not (tmp_path / "out").exists()
