"""OCR lines of training pictures, with the real engine."""

import json

from beam_kie.forms import generate_form
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage
from beam_kie.labelled.sources import read_ocr_lines
from beam_kie.training.data.ocr_lines import Agreement, agreement, in_pixels_of, main


def test_pictures_are_read_and_broken_ones_named(tmp_path, capsys):
    scans = tmp_path / "scans"
    scans.mkdir()
    form = generate_form("en", 1, dpi=120)
    form.image.save(scans / "form.png")
    (scans / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    output = tmp_path / "lines.jsonl"
    assert main([str(scans), "--output", str(output)]) == 0
    assert "broken.jpg:" in capsys.readouterr().err
    (record,) = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert (record["uri"], record["width"]) == ("form.png", form.image.width)
    assert len(read_ocr_lines(str(output))["form.png"]) > 20


def test_missing_folder_is_reported(tmp_path, capsys):
    assert main([str(tmp_path / "none"), "--output", str(tmp_path / "x")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_lines_are_given_in_the_pixels_of_the_labels():
    line = {"text": "a", "polygon": [10.0, 20.0, 30.0, 20.0, 30.0, 40.0, 10.0, 40.0], "confidence": 0.9}
    record = {"uri": "a.png", "page": 1, "width": 100, "height": 200, "lines": [line]}
    scaled = in_pixels_of(LabelledPage("a.png", 200, 600, ()), record)
    assert (scaled["width"], scaled["height"]) == (200, 600)
    assert scaled["lines"] == [
        {**line, "polygon": [20.0, 60.0, 60.0, 60.0, 60.0, 120.0, 20.0, 120.0]},
    ]
    assert in_pixels_of(LabelledPage("a.png", 100, 200, ()), record) == record


def test_entities_that_were_read_are_counted():
    """One read as labelled but for a space, one misread, one not found, and text that is no entity."""
    texts = ["Nom :", "Müller", "Bern", "page 1"]
    labels = ["QUESTION", "ANSWER", "ANSWER", "OTHER"]
    boxes = [box_polygon((100, 100 * n, 300, 100 * n + 30)) for n in range(1, 5)]
    entries = [LabelledEntry(n, texts[n], labels[n], boxes[n]) for n in range(4)]
    read = [("Nom:", boxes[0]), ("Miiier", boxes[1]), ("page 1", boxes[3])]
    lines = [{"text": text, "polygon": list(polygon), "confidence": 0.9} for text, polygon in read]
    record = {"uri": "a.png", "page": 1, "width": 1000, "height": 1000, "lines": lines}
    page = LabelledPage("a.png", 1000, 1000, tuple(entries))
    assert agreement(page, record) == Agreement(entities=3, found=2, read=1)


def test_unreadable_labels_are_reported_before_anything_is_read(tmp_path, capsys):
    output = tmp_path / "lines.jsonl"
    assert main([str(tmp_path), "--output", str(output), "--labels", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
    assert not output.exists()
