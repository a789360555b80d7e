import json

import pytest

from beam_kie.ocr.convert.__main__ import main
from beam_kie.ocr.given import read_lines_file

LINE = {"BlockType": "LINE", "Text": "a", "Confidence": 90, "Geometry": {"BoundingBox": {}}}
BOX = {"Left": 0.1, "Top": 0.1, "Width": 0.5, "Height": 0.1}


def textract(**box):
    return {"Blocks": [LINE | {"Geometry": {"BoundingBox": BOX | box}}]}


def paddle(path="old/a.png"):
    return {"input_path": path, "rec_texts": ["b"], "rec_boxes": [[0, 0, 9, 9]], "rec_scores": [0.5]}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.json").write_text(json.dumps(textract()))
    (tmp_path / "p.json").write_text(json.dumps(paddle()))
    (tmp_path / "q.json").write_text(json.dumps(paddle("old/b.png")))
    (tmp_path / "empty.json").write_text(json.dumps(textract(Width=0)))
    (tmp_path / "bad.json").write_text("{}")
    return tmp_path


def lines(place):
    with (place / "lines.jsonl").open(encoding="utf-8") as stream:
        return read_lines_file(stream)


def test_files_become_one_file_of_lines(place, capsys):
    assert main(["p.json", "q.json", "-o", "lines.jsonl"]) == 0
    assert set(lines(place)) == {("old/a.png", 1), ("old/b.png", 1)}
    assert main(["p.json", "q.json", "-o", "lines.jsonl", "--scans", "gs://new/"]) == 0
    assert set(lines(place)) == {("gs://new/a.png", 1), ("gs://new/b.png", 1)}
    assert main(["t.json", "-o", "lines.jsonl", "--uri", "c.pdf"]) == 0
    (line,) = lines(place)["c.pdf", 1].on_page(1000, 500)
    assert line.box == pytest.approx((100, 50, 600, 100))
    assert capsys.readouterr().err == ""


def test_lines_that_are_left_out_are_told(place, capsys):
    assert main(["empty.json", "-o", "lines.jsonl", "--uri", "a.png"]) == 0
    assert "empty.json: page 1: 1 lines" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["t.json"], "give --uri"),
        (["bad.json"], "bad.json: in no known format"),
        (["none.json"], "none.json"),
        (["p.json", "q.json", "--uri", "a.png"], "--uri"),
        (["p.json", "./p.json"], "is there twice"),
        (["p.json", "p.json"], "is there twice"),
    ],
)
def test_what_cannot_be_converted_is_refused_and_nothing_written(place, capsys, argv, says):
    before = sorted(place.iterdir())
    assert main([*argv, "-o", "lines.jsonl"]) == 2
    assert says in capsys.readouterr().err
    assert sorted(place.iterdir()) == before
