"""Label Studio's JSON export as labelled pages: boxes with a label and a text, and relations between them.

The fields that are read (Label Studio's documentation, "Task format"): ``data`` with the picture's address,
``annotations[].result[]`` with regions that share an ``id`` (rectangle, labels, textarea) in per cent of
``original_width`` and ``original_height``, and relations with ``from_id`` and ``to_id``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from beam_kie.document import Polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage

# Uploaded files have eight hex digits and a hyphen before their names.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
_REGIONS = ("rectangle", "rectanglelabels", "polygon", "polygonlabels", "labels", "textarea")


def is_label_studio(content: Any) -> bool:
    """Whether this is an export of Label Studio.

    Args:
        content: what a JSON file holds.
    """
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(task, Mapping) and "data" in task for task in content)
    )


def read_label_studio(tasks: list[Mapping[str, Any]]) -> list[LabelledPage]:
    """The tasks that have an annotation, one page each; of several annotations the last one counts.

    Args:
        tasks: of an export in JSON.

    Raises:
        ValueError: a task without a picture, or a region that cannot be read.
    """
    return [_page(task, result) for task in tasks if (result := _result(task)) is not None]


def _result(task: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    given = [each for each in task.get("annotations") or [] if not each.get("was_cancelled")]
    return given[-1]["result"] if given else None


def _page(task: Mapping[str, Any], result: list[Mapping[str, Any]]) -> LabelledPage:
    regions: dict[str, dict[str, Any]] = {}
    size = (0, 0)
    for item in result:
        if item.get("type") not in _REGIONS or "id" not in item:
            continue
        region = regions.setdefault(item["id"], {})
        width, height = float(item["original_width"]), float(item["original_height"])
        size = (round(width), round(height))
        value = item["value"]
        if "polygon" not in region and ("points" in value or "x" in value):
            region["polygon"] = _polygon(value, width, height)
        for name in ("labels", "rectanglelabels", "polygonlabels"):
            if value.get(name):
                region["label"] = str(value[name][0]).upper()
        if "text" in value:
            text = value["text"]
            region["text"] = " ".join(map(str, text)) if isinstance(text, list) else str(text)
    placed = {name: region for name, region in regions.items() if "polygon" in region}
    numbers = {name: number for number, name in enumerate(placed)}
    links: dict[int, list[tuple[int, int]]] = {}
    for a, b in _relations(result, numbers):
        links.setdefault(a, []).append((a, b))
        links.setdefault(b, []).append((a, b))
    entries = tuple(
        LabelledEntry(
            id=numbers[name],
            text=region.get("text", ""),
            label=region.get("label", "OTHER"),
            polygon=region["polygon"],
            links=tuple(links.get(numbers[name], ())),
        )
        for name, region in placed.items()
    )
    return LabelledPage(_name(task), *size, entries)


def _relations(result: list[Mapping[str, Any]], numbers: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    for item in result:
        ends = (str(item.get("from_id")), str(item.get("to_id")))
        if item.get("type") == "relation" and all(end in numbers for end in ends):
            start, end = (numbers[end] for end in ends)
            yield (end, start) if item.get("direction") == "left" else (start, end)


def _polygon(value: Mapping[str, Any], width: float, height: float) -> Polygon:
    if "points" in value:
        return tuple(
            float(part) * size / 100
            for point in value["points"]
            for part, size in zip(point, (width, height), strict=True)
        )
    x, y = float(value["x"]) * width / 100, float(value["y"]) * height / 100
    across, down = float(value["width"]) * width / 100, float(value["height"]) * height / 100
    # A rectangle is turned about its top left corner, clockwise.
    turn = math.radians(float(value.get("rotation") or 0))
    cos, sin = math.cos(turn), math.sin(turn)
    corners = ((0.0, 0.0), (across, 0.0), (across, down), (0.0, down))
    return tuple(part for u, v in corners for part in (x + u * cos - v * sin, y + u * sin + v * cos))


def _name(task: Mapping[str, Any]) -> str:
    """The name of the picture that a task is about."""
    address = next((value for value in task["data"].values() if isinstance(value, str)), None)
    if not address:
        raise ValueError("a task names no picture")
    parts = urlsplit(address)
    path = unquote(parts.query.removeprefix("d=") if parts.query.startswith("d=") else parts.path)
    return _UPLOADED.sub("", path.rsplit("/", 1)[-1]) + (f"#{parts.fragment}" if parts.fragment else "")
