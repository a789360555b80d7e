"""Labelled pages of other tools as corrections: how they differ from what a run found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from beam_kie.document import Box, Polygon
from beam_kie.geometry import overlap_share, polygon_box, rotate_polygon
from beam_kie.labelled.applying import RunPage
from beam_kie.labelled.corrections_file import (
    ADD,
    CHANGE,
    REMOVE,
    Corrections,
    CorrectionsError,
    EntityChange,
    EntityName,
    LinkChange,
    PageCorrections,
)
from beam_kie.labelled.formats import LabelError, LabelledEntry, LabelledPage, read_labels
from beam_kie.labelled.label_studio import is_label_studio, read_label_studio
from beam_kie.labelled.run_tables import RunTables
from beam_kie.labelled.to_labels import picture_label_name, scan_name

_SAME_PLACE = 0.5
"""Two boxes that share at least this much of what they cover together are one entity."""

_SAME_TEXT_NEARBY = 0.1
"""Enough, where both have the same text: other tools draw boxes closer to the ink."""

_SAME_BOX = 0.8
"""A box that shares as much with the run's own was not moved."""

_SAME_INK = 0.9
"""A box with the same text of which so much lies in the run's own, or the other way round, was not moved."""

_NO_ENTITY = frozenset({"NONE"})  # what PPOCRLabel calls a box without a key class


def read_label_file(path: Path) -> list[LabelledPage]:
    """The pages of a label file: PPOCRLabel's or PaddleOCR's lines, XFUND's JSON or Label Studio's export.

    Args:
        path: of the file.

    Raises:
        CorrectionsError: it is none of them, or is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if text.lstrip()[:1] == "[":
            content = json.loads(text)
            if not is_label_studio(content):
                raise CorrectionsError(
                    f"{path}: a list, but not of tasks as Label Studio exports them (JSON)"
                )
            return read_label_studio(content)
        return read_labels(path)
    except CorrectionsError:
        raise
    except (OSError, UnicodeDecodeError, LabelError, ValueError, KeyError, TypeError) as error:
        raise CorrectionsError(f"{path}: cannot read labels: {error}".replace("\n", " ")) from error


def corrections_from_labels(run: RunTables, labelled: Sequence[LabelledPage]) -> Corrections:
    """What labelled pages say of a run's pages. They are whole: what they do not have is removed.

    Pages are found by the names that ``to_labels`` gives them. Entities are the same where their boxes lie
    over each other. Where no page has a link, links stay as they are: PPOCRLabel does not know any.

    Args:
        run: the tables that the pages belong to.
        labelled: complete labels of some of its pages.

    Raises:
        CorrectionsError: a name fits no page of the run, or several.
    """
    rows = run.rows("pages")
    several = run.several_pages()
    places: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        place = (row["document_id"], row["page"])
        for name in {scan_name(row, place[0] in several), scan_name(row, True), picture_label_name(*place)}:
            places.setdefault(name, []).append(place)
    wanted: dict[tuple[str, int], LabelledPage] = {}
    for page in labelled:
        found = places.get(page.name.replace("\\", "/").rsplit("/", 1)[-1], [])
        if len(found) != 1:
            what = "fits no page" if not found else "fits several pages"
            raise CorrectionsError(f"the picture {page.name} {what} of run {run.run_id}")
        wanted[found[0]] = page
    with_links = any(entry.links for page in labelled for entry in page.entries)
    pages = [
        _difference(each, _upright(run, wanted[place], each), with_links)
        for each in run.pages_of({document_id for document_id, _ in wanted})
        if (place := (each.page["document_id"], each.page["page"])) in wanted
    ]
    return Corrections(run.run_id, tuple(pages))


def _upright(run: RunTables, labelled: LabelledPage, page: RunPage) -> LabelledPage:
    """The labels in pixels of the upright page."""
    row = page.page
    width, height = row["page_width_px"], row["page_height_px"]
    picture = run.pictures / row["document_id"] / f"p{row['page']:04d}.jpg"
    if labelled.name.rsplit("/", 1)[-1] == picture_label_name(row["document_id"], row["page"]):
        if not picture.is_file():
            raise CorrectionsError(f"{labelled.name}: the picture {picture} is not there: its size is needed")
        with Image.open(picture) as image:
            scale = (width / image.width, height / image.height)
        return _moved(labelled, lambda polygon: tuple(v * scale[i % 2] for i, v in enumerate(polygon)))
    turn = row["rotation_deg"]
    stored = (width, height) if turn % 180 == 0 else (height, width)
    return _moved(labelled, lambda polygon: rotate_polygon(polygon, *stored, turn))


def _moved(labelled: LabelledPage, move: Callable[[Polygon], Polygon]) -> LabelledPage:
    entries = tuple(replace(entry, polygon=move(entry.polygon)) for entry in labelled.entries)
    return replace(labelled, entries=entries)


def _difference(page: RunPage, labelled: LabelledPage, with_links: bool) -> PageCorrections:
    entries = [entry for entry in labelled.entries if entry.is_entity and entry.label not in _NO_ENTITY]
    same = _match(page, entries)
    names: dict[int, EntityName] = {}
    changes: list[EntityChange] = []
    new = 0
    for place, entry in enumerate(entries):
        row = same.get(place)
        if row is None:
            names[entry.id] = f"n{new}"
            box = polygon_box(entry.polygon)
            changes.append(EntityChange(f"n{new}", ADD, entry.text, entry.label, box))
            new += 1
        else:
            names[entry.id] = row["entity_index"]
            changes += _change(row, entry)
    kept = {row["entity_index"] for row in same.values()}
    changes += [
        EntityChange(row["entity_index"], REMOVE, was_text=row["text"] or "", was_label=row["label"])
        for row in page.entities
        if row["entity_index"] not in kept
    ]
    links = _link_changes(page, labelled, names) if with_links else ()
    row = page.page
    return PageCorrections(row["document_id"], row["page"], row["uri"], True, tuple(changes), tuple(links))


def _change(row: Mapping, entry: LabelledEntry) -> list[EntityChange]:
    box = polygon_box(entry.polygon)
    moved = _shared(box, _box(row)) < _SAME_BOX
    if moved and entry.text == (row["text"] or ""):
        moved = not _around_same_ink(box, _box(row))
    text = entry.text if entry.text != (row["text"] or "") else None
    label = entry.label if entry.label != row["label"] else None
    if text is None and label is None and not moved:
        return []
    was = {"was_text": row["text"] or "", "was_label": row["label"]}
    return [EntityChange(row["entity_index"], CHANGE, text, label, box if moved else None, **was)]


def _around_same_ink(a: Box, b: Box) -> bool:
    """Whether one box lies in the other: both hold the same text, one with more room around it."""
    inner, outer = sorted((a, b), key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    return overlap_share(inner, outer) >= _SAME_INK


def _link_changes(page: RunPage, labelled: LabelledPage, names: Mapping[int, EntityName]) -> list[LinkChange]:
    keys = {row["key_label"] for row in page.key_values if row["key_label"]} or {"QUESTION"}
    values = {entry.label for entry in labelled.entries if entry.is_entity} - keys
    wanted = {(names[a], names[b]) for a, b in labelled.relations(keys, values) if a in names and b in names}
    indices = {row["entity_id"]: row["entity_index"] for row in page.entities}
    known = {
        (indices[row["key_entity_id"]], indices[row["value_entity_id"]])
        for row in page.key_values
        if row["value_entity_id"] is not None and row["key_entity_id"] is not None
    }
    order = sorted(wanted ^ known, key=str)
    return [LinkChange(key, value, ADD if (key, value) in wanted else REMOVE) for key, value in order]


def _match(page: RunPage, entries: Sequence[LabelledEntry]) -> dict[int, Mapping]:
    """Place of an entry -> the entity that it is; the best matches first, each entity once."""
    candidates = []
    for place, entry in enumerate(entries):
        box = polygon_box(entry.polygon)
        for number, row in enumerate(page.entities):
            share = _shared(box, _box(row))
            same_text = entry.text == (row["text"] or "")
            if share >= (_SAME_TEXT_NEARBY if same_text else _SAME_PLACE):
                candidates.append((-share, not same_text, place, number))
    found: dict[int, Mapping] = {}
    taken: set[int] = set()
    for _, _, place, number in sorted(candidates):
        if place not in found and number not in taken:
            found[place] = page.entities[number]
            taken.add(number)
    return found


def _shared(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(0.0, width) * max(0.0, height)
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / both if both > 0 else 0.0


def _box(row: Mapping) -> Box:
    return (row["x0"], row["y0"], row["x1"], row["y1"])
