"""Stored readings: what is kept of a page, and files of earlier versions."""

import json
from dataclasses import replace

import pytest

from beam_kie.document import Mark, MarkState, PageText, RuledCell, Straightening, TextLine
from beam_kie.labelled.readings import from_record, read_readings, scaled_record, to_record
from beam_kie.page_parts import Outside

PAGE = PageText(
    document_id="",
    uri="a.png",
    page=1,
    width_px=100,
    height_px=200,
    lines=(TextLine("ab", (10.0, 20.0, 30.0, 20.0, 30.0, 40.0, 10.0, 40.0), 0.9, ((0.0, 0.4), (0.5, 1.0))),),
    skew_deg=1.5,
    straightening=Straightening((1.0, 0.1, 0.0, -0.1, 1.0, 5.0, 0.0, 0.0, 1.0), 110, 210),
    cells=(RuledCell((5.0, 10.0, 50.0, 60.0), 0.8),),
    marks=(
        Mark((1.0, 2.0, 3.0, 4.0), True, MarkState.TICKED, 0.7, 0.8, 0.9),
        Mark((5.0, 6.0, 7.0, 8.0), False, MarkState.TICKED, 0.6, 0.85, outside=Outside.BEYOND),
    ),
)


def test_all_that_is_known_of_a_page_is_kept():
    record = json.loads(json.dumps(to_record(PAGE, "tight")))
    assert record["geometry"] == "tight"
    assert from_record(record) == (PAGE, True)


def test_a_file_of_the_first_version_has_lines_only(tmp_path):
    line = {"text": "ab", "polygon": list(PAGE.lines[0].polygon), "confidence": 0.9}
    old = {"uri": "scans/a.png", "page": 1, "width": 100, "height": 200, "lines": [line]}
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(old) + "\n", "utf-8")
    found = read_readings(path)
    assert set(found) == {"a.png", "a.png#page=1"}
    read = found["a.png"]
    assert not read.ruling_known
    assert read.page.lines == (replace(PAGE.lines[0], char_spans=None),)


def test_a_reading_in_pixels_of_another_copy():
    moved = from_record(scaled_record(to_record(PAGE, "default"), 200, 600)).page
    assert (moved.width_px, moved.height_px) == (200, 600)
    assert moved.lines[0].polygon == (20.0, 60.0, 60.0, 60.0, 60.0, 120.0, 20.0, 120.0)
    assert moved.lines[0].char_spans == PAGE.lines[0].char_spans
    assert moved.cells[0].box == (10.0, 30.0, 100.0, 180.0)
    # x' = x + 0.1 y on the page that was read, of which this is twice as wide and three times as high.
    assert moved.straightening is not None
    assert moved.straightening.matrix[:3] == pytest.approx((0.5, 0.1 / 3, 0.0))
    assert scaled_record(to_record(PAGE, "default"), 100, 200) == to_record(PAGE, "default")
