"""OCR lines of training pictures, with the real engine."""

import json

from beam_kie.forms import generate_form
from beam_kie.training.data import read_ocr_lines
from beam_kie.training.ocr_lines import main


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


def test_missing_folder_is_said(tmp_path, capsys):
    assert main([str(tmp_path / "none"), "--output", str(tmp_path / "x")]) == 2
    assert "no such folder" in capsys.readouterr().err
