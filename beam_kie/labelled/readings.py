"""Stored readings: what OCR read on labelled pictures, one JSON object a page.

Version 2 keeps what ``PageText`` knows of a page: places of characters, ruled cells, marks to tick, skew and
the way to make the page straight. A file without ``version`` is of version 1 and has lines only. The job
takes both as ``--ocr_lines``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from beam_kie.document import Mark, MarkState, PageText, Polygon, RuledCell, Straightening, TextLine
from beam_kie.labelled.formats import LabelError, page_name
from beam_kie.page_parts import Outside

VERSION = 2
_DAMAGES = (ValueError, KeyError, TypeError, AttributeError, RecursionError)  # of lines of another kind


class ReadPage(NamedTuple):
    """A page as it was read. ``ruling_known``: its cells and marks were looked for."""

    page: PageText
    ruling_known: bool


def to_record(page: PageText, geometry: str) -> dict[str, Any]:
    """A page as ``json.dumps`` takes it.

    Args:
        page: with its cells and marks.
        geometry: how its lines were found, a name of ``beam_kie.ocr.box_geometry.GEOMETRIES``.
    """
    record: dict[str, Any] = {
        "version": VERSION,
        "uri": page.uri,
        "page": page.page,
        "geometry": geometry,
        "width": page.width_px,
        "height": page.height_px,
        "rotation_deg": page.rotation_deg,
        "skew_deg": page.skew_deg,
        "lines": [_line_record(line) for line in page.lines],
        "cells": [{"box": list(cell.box), "confidence": cell.confidence} for cell in page.cells],
        "marks": [
            {
                "box": list(mark.box),
                "is_ring": mark.is_ring,
                "state": mark.state.value,
                "confidence": mark.confidence,
                "state_confidence": mark.state_confidence,
                "thickness": mark.thickness,
                "outside": mark.outside.value,
            }
            for mark in page.marks
        ],
    }
    if page.straightening is not None:
        way = page.straightening
        record["straightening"] = {
            "matrix": list(way.matrix),
            "width": way.width_px,
            "height": way.height_px,
        }
    return record


def from_record(record: dict[str, Any]) -> ReadPage:
    """The page of a record of any version.

    Args:
        record: as of ``to_record``; ``width`` and ``height`` may be missing in version 1.
    """
    way = record.get("straightening")
    page = PageText(
        document_id="",
        uri=record["uri"],
        page=record.get("page") or 1,
        width_px=record.get("width") or 0,
        height_px=record.get("height") or 0,
        rotation_deg=record.get("rotation_deg", 0),
        lines=tuple(_line(item) for item in record["lines"]),
        skew_deg=record.get("skew_deg"),
        straightening=Straightening(tuple(way["matrix"]), way["width"], way["height"]) if way else None,
        cells=tuple(RuledCell(tuple(item["box"]), item["confidence"]) for item in record.get("cells", ())),
        marks=tuple(
            Mark(
                tuple(item["box"]),
                item["is_ring"],
                MarkState(item["state"]),
                item["confidence"],
                item.get("state_confidence", 1.0),  # files of earlier versions lack the last three
                item.get("thickness"),
                Outside(item.get("outside", Outside.NOTHING)),
            )
            for item in record.get("marks", ())
        ),
    )
    return ReadPage(page, "cells" in record)


def scaled_record(record: dict[str, Any], width_px: int, height_px: int) -> dict[str, Any]:
    """A record in the pixels of another copy of its picture.

    Args:
        record: as of ``to_record``.
        width_px: of the other copy.
        height_px: of the other copy.
    """
    across, down = width_px / record["width"], height_px / record["height"]
    if (across, down) == (1.0, 1.0):
        return record

    def scaled(places: list[float]) -> list[float]:
        return [round(value * (down if n % 2 else across), 1) for n, value in enumerate(places)]

    moved = {**record, "width": width_px, "height": height_px}
    moved["lines"] = [{**line, "polygon": scaled(line["polygon"])} for line in record["lines"]]
    for name in ("cells", "marks"):
        if name in record:
            moved[name] = [{**item, "box": scaled(item["box"])} for item in record[name]]
    if way := record.get("straightening"):
        back = np.diag([1 / across, 1 / down, 1.0])
        matrix = (np.reshape(way["matrix"], (3, 3)) @ back).ravel().tolist()
        moved["straightening"] = {**way, "matrix": matrix}
    return moved


def read_readings(path: str | Path) -> dict[str, ReadPage]:
    """The pages of a file of readings.

    Args:
        path: JSON lines as the command ``beam_kie.training.data.ocr_lines`` writes them, of any version.

    Returns:
        Every page by its name in label files: the picture's base name, with ``#page=2`` behind it from the
        second page on. The first page has both names, with and without number.

    Raises:
        LabelError: a line of the file is of another kind.
    """
    found: dict[str, ReadPage] = {}
    for number, line in enumerate(Path(path).read_text("utf-8", errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            read = from_record(json.loads(line))
        except _DAMAGES as error:
            raise LabelError(f"{path}:{number}: not a page of lines that OCR read: {error!r}") from error
        for name in page_names(Path(read.page.uri).name, read.page.page):
            found[name] = read
    return found


def page_names(file: str, page: int) -> list[str]:
    """The names that a page may have in label files.

    Args:
        file: name of the file.
        page: from 1.
    """
    return list(dict.fromkeys([page_name(file, page), f"{file}#page={page}"]))


def _line_record(line: TextLine) -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": line.text,
        "polygon": list(line.polygon),
        "confidence": line.confidence,
    }
    if line.char_spans is not None:
        record["char_spans"] = [list(span) for span in line.char_spans]
    return record


def _line(item: dict[str, Any]) -> TextLine:
    spans = item.get("char_spans")
    polygon: Polygon = tuple(item["polygon"])
    if len(polygon) < 6:
        raise ValueError("a polygon has fewer than three corners")
    places = None if spans is None else tuple((start, end) for start, end in spans)
    return TextLine(item["text"], polygon, item.get("confidence"), places)
