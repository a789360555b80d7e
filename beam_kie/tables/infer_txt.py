"""PaddleOCR's ``infer.txt`` lines, so that scripts that read them keep working: pure functions.

One line per page: its name, a tab, and JSON ``{"ocr_info": [...]}``. SER has one item per text line of the
page; SER+RE has one ``[head, tail]`` per relation. An item holds ``transcription``, ``bbox`` (whole pixels),
``points`` (four corners), ``pred_id`` and ``pred``. Coordinates are pixels of the upright page.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from beam_kie.document import Entity, PageResult, Polygon
from beam_kie.escaping import is_unsafe
from beam_kie.geometry import box_polygon, polygon_box

STANDARD_LABELS = ("QUESTION", "ANSWER", "HEADER")
"""The labels of XFUND in PaddleOCR's order."""

OUTSIDE = "O"

_POINT_DECIMALS = 2
_CORNERS = 4

Item = dict[str, Any]
LabelIds = Mapping[str, int]


def label_ids(labels: Sequence[str] = STANDARD_LABELS) -> dict[str, int]:
    """The ``pred_id`` of every label: where B-LABEL stands in O, B-, I-, B-, I-, ...; "O" is 0.

    Labels that are all XFUND's have PaddleOCR's numbers (1, 3, 5), whatever their order in the model.

    Args:
        labels: of the model, in its order.
    """
    ordered = STANDARD_LABELS if set(labels) <= set(STANDARD_LABELS) else labels
    return {OUTSIDE: 0} | {label: 1 + 2 * index for index, label in enumerate(ordered)}


def page_name(uri: str, page: int) -> str:
    """What a line begins with: the URI, and from the second page of a file on ``#page=N`` behind it.

    Tabs, line ends and other control characters are percent-encoded.

    Args:
        uri: of the file.
        page: from 1.
    """
    name = "".join(quote(char, errors="replace") if is_unsafe(char) else char for char in uri)
    return name if page == 1 else f"{name}#page={page}"


def ser_line(result: PageResult, ids: LabelIds) -> str:
    """The line of ``infer_ser.txt`` for one page, without line end.

    Args:
        result: entities and relations of one page.
        ids: ``pred_id`` by label, from ``label_ids``.

    Raises:
        ValueError: an entity has a label that is not in ``ids``, or a coordinate is not a number.
    """
    return _line(result, ser_items(result, ids))


def ser_re_line(result: PageResult, ids: LabelIds) -> str:
    """The line of ``infer_ser_re.txt`` for one page, without line end.

    Args:
        result: entities and relations of one page.
        ids: ``pred_id`` by label, from ``label_ids``.

    Raises:
        ValueError: as ``ser_line``; or a relation names an entity that the page does not have.
    """
    return _line(result, ser_re_items(result, ids))


def ser_items(result: PageResult, ids: LabelIds) -> list[Item]:
    """One item per text line of the page, in its order; lines that no entity touches are "O".

    A line has the label of the entity that covers most of its characters; of equals the lower ``pred_id``.

    Args:
        result: entities and relations of one page.
        ids: ``pred_id`` by label, from ``label_ids``.

    Raises:
        ValueError: an entity has a label that is not in ``ids``.
    """
    labels = _labels_of_lines(result.entities, ids)
    return [
        _item(line.text, line.polygon, labels.get(index, OUTSIDE), ids)
        for index, line in enumerate(result.page.lines)
    ]


def ser_re_items(result: PageResult, ids: LabelIds) -> list[list[Item]]:
    """One ``[head, tail]`` per relation, by head and then tail; entities without a relation are left out.

    Args:
        result: entities and relations of one page.
        ids: ``pred_id`` by label, from ``label_ids``.

    Raises:
        ValueError: a relation names an entity that the page does not have, or a label is not in ``ids``.
    """
    count = len(result.entities)
    pairs = sorted({(relation.head, relation.tail) for relation in result.relations})
    for pair in pairs:
        if not all(0 <= end < count for end in pair):
            raise ValueError(f"relation {pair} does not join two of the page's {count} entities")
    return [[_entity_item(result.entities[end], ids) for end in pair] for pair in pairs]


def _labels_of_lines(entities: Iterable[Entity], ids: LabelIds) -> dict[int, str]:
    """The label of every line that an entity covers a character of."""
    best: dict[int, tuple[int, int, str]] = {}
    for entity in entities:
        covered: Counter[int] = Counter()
        for span in entity.spans:
            covered[span.line] += span.end - span.start
        for line, characters in covered.items():
            if characters > 0:
                candidate = (characters, -_id_of(entity.label, ids), entity.label)
                best[line] = max(best.get(line, candidate), candidate)
    return {line: label for line, (_, _, label) in best.items()}


def _entity_item(entity: Entity, ids: LabelIds) -> Item:
    return _item(entity.text, entity.polygon, entity.label, ids)


def _item(text: str, polygon: Polygon, label: str, ids: LabelIds) -> Item:
    box = polygon_box(polygon)
    # Readers unpack four corners; an entity of several lines or a traced line has more.
    corners = polygon if len(polygon) == 2 * _CORNERS else box_polygon(box)
    xs, ys = corners[0::2], corners[1::2]
    return {
        "transcription": text,
        "bbox": [int(value) for value in box],
        "points": [[_rounded(x), _rounded(y)] for x, y in zip(xs, ys, strict=True)],
        "pred_id": _id_of(label, ids),
        "pred": label.upper(),
    }


def _id_of(label: str, ids: LabelIds) -> int:
    if label not in ids:
        raise ValueError(f"label {label!r} is not one of the model's: {', '.join(ids)}")
    return ids[label]


def _rounded(value: float) -> float:
    return round(float(value), _POINT_DECIMALS)


def _line(result: PageResult, items: list) -> str:
    content = json.dumps({"ocr_info": items}, ensure_ascii=False, allow_nan=False)
    return f"{page_name(result.page.uri, result.page.page)}\t{content}"
