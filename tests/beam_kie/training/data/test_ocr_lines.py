"""OCR lines of training pictures, with the real engine."""

import json

from beam_kie.forms import generate_form
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage
from beam_kie.labelled.sources import read_ocr_lines
from beam_kie.training.data.ocr_lines import Agreement, agreement, main


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
    lines = read_ocr_lines(str(output))["form.png"]
    assert len(lines) > 20
    assert all(len(line.char_spans or ()) == len(line.text) for line in lines)
    # An interrupted command goes on: what is there is kept, half a line is not.
    (scans / "broken.jpg").unlink()
    form.image.crop((0, 0, form.image.width, 300)).save(scans / "top.png")
    output.write_text(json.dumps({**record, "page": 1, "lines": []}) + '\n{"version": 2, "ur', "utf-8")
    assert main([str(scans), "--output", str(output), "--resume"]) == 0
    read = read_ocr_lines(str(output))
    assert not read["form.png"]
    assert read["top.png"]


def test_only_a_file_of_the_same_geometry_is_gone_on_with(tmp_path, capsys):
    output = tmp_path / "lines.jsonl"
    output.write_text('{"version": 2, "geometry": "tight"}\n', "utf-8")
    assert main([str(tmp_path), "--output", str(output), "--resume"]) == 2
    assert "another geometry" in capsys.readouterr().err
    engine = ["--engine", "paddleocr", "--geometry", "tight"]
    assert main([str(tmp_path), "--output", str(output), *engine]) == 2
    assert "rapidocr" in capsys.readouterr().err


def test_missing_folder_is_reported(tmp_path, capsys):
    assert main([str(tmp_path / "none"), "--output", str(tmp_path / "x")]) == 2
    assert "no such folder" in capsys.readouterr().err


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
