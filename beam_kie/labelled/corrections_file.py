"""The file of corrections that the review page writes (docs/review.md): read, checked, written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beam_kie import __version__
from beam_kie.document import Box

FORMAT = "beam-kie-corrections"
VERSION = 1
"""A reader takes this version only; it grows with every change that older readers would get wrong."""

CHANGE, ADD, REMOVE, ACCEPT = "change", "add", "remove", "accept"

EntityName = int | str
"""An ``entity_index`` of the tables, or the name of an entity that was added: n0, n1, ..."""


class CorrectionsError(ValueError):
    """Corrections that cannot be used; the message is one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class EntityChange:
    """What is said of one entity.

    ``text``, ``label`` and ``box`` (pixels of the upright page) are None where they stay as they are;
    ``was_text`` and ``was_label`` are what the tables said, where the file tells.
    """

    name: EntityName
    action: str
    text: str | None = None
    label: str | None = None
    box: Box | None = None
    was_text: str | None = None
    was_label: str | None = None


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What is said of the link between a key and a value."""

    key: EntityName
    value: EntityName
    action: str


@dataclass(frozen=True, slots=True)
class PageCorrections:
    """Everything that is said of one page; ``done``: a person has looked at all of it."""

    document_id: str
    page: int
    uri: str = ""
    done: bool = False
    entities: tuple[EntityChange, ...] = ()
    links: tuple[LinkChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrections:
    """A file of corrections. ``accepted_above``: a confidence from which on pairs are accepted unseen."""

    run_id: str
    pages: tuple[PageCorrections, ...] = field(repr=False)
    accepted_above: float | None = None


def read_corrections(path: str | Path) -> Corrections:
    """Read a file of corrections.

    Args:
        path: of the file.

    Raises:
        CorrectionsError: it cannot be read, is damaged, or has another version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is damaged or no JSON; download it again"
        raise CorrectionsError(f"{path}: cannot read corrections: {what}") from error
    return parse_corrections(content, str(path))


def parse_corrections(content: Any, path: str) -> Corrections:
    """Check the content of a file of corrections.

    Args:
        content: what its JSON holds.
        path: of the file, for messages.

    Raises:
        CorrectionsError: it is damaged or has another version.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CorrectionsError(f"{path}: not a file of corrections: its format is not {FORMAT!r}")
    if content.get("version") != VERSION:
        raise CorrectionsError(
            f"{path}: version {content.get('version')!r} is not known; this program reads version {VERSION}"
        )
    try:
        above = content.get("accepted_above")
        return Corrections(
            run_id=_text(content, "run_id"),
            pages=tuple(_page(item) for item in _list(content, "pages")),
            accepted_above=None if above is None else _number(above, "accepted_above"),
        )
    except _Damaged as error:
        raise CorrectionsError(f"{path}: damaged: {error}; download it again") from error


def write_corrections(path: str | Path, corrections: Corrections) -> None:
    """Write a file that the review page and ``read_corrections`` read.

    Args:
        path: of the file; its folder must be there.
        corrections: to write.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "run_id": corrections.run_id,
        "beam_kie_version": __version__,
        "accepted_above": corrections.accepted_above,
        "pages": [
            {
                "document_id": page.document_id,
                "uri": page.uri,
                "page": page.page,
                "done": page.done,
                "entities": [_entity_item(entity) for entity in page.entities],
                "links": [
                    {"key": link.key, "value": link.value, "action": link.action} for link in page.links
                ],
            }
            for page in corrections.pages
        ],
    }
    Path(path).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _entity_item(entity: EntityChange) -> dict[str, Any]:
    name = "new" if isinstance(entity.name, str) else "entity_index"
    item: dict[str, Any] = {name: entity.name, "action": entity.action}
    if entity.text is not None:
        item["text"] = entity.text
    if entity.label is not None:
        item["label"] = entity.label
    if entity.box is not None:
        item["box"] = list(entity.box)
    if entity.was_text is not None or entity.was_label is not None:
        item["was"] = {"text": entity.was_text or "", "label": entity.was_label or ""}
    return item


# ---------------------------------------------------------------- checking


class _Damaged(Exception):
    """What is wrong, in a few words."""


def _page(item: Any) -> PageCorrections:
    document_id, page = _text(item, "document_id"), item.get("page")
    if not _is_index(page) or page < 1:
        raise _Damaged(f"page {page!r} of document {document_id}")
    where = f"page {page} of document {document_id}"
    entities = tuple(_entity(each, where) for each in _list(item, "entities"))
    names = [entity.name for entity in entities]
    if len(set(names)) < len(names):
        raise _Damaged(f"{where} says two things of one entity")
    added = {entity.name for entity in entities if entity.action == ADD}
    links = tuple(_link(each, added, where) for each in _list(item, "links"))
    uri = item.get("uri")
    return PageCorrections(
        document_id, page, uri if isinstance(uri, str) else "", item.get("done") is True, entities, links
    )


def _entity(item: Any, where: str) -> EntityChange:
    if not isinstance(item, Mapping):
        raise _Damaged(f"{where}: an entity is no object")
    action = item.get("action")
    if action not in (CHANGE, ADD, REMOVE, ACCEPT):
        raise _Damaged(f"{where}: an entity has the action {action!r}")
    name: Any = item.get("new") if action == ADD else item.get("entity_index")
    if not (_is_new_name(name) if action == ADD else _is_index(name)):
        raise _Damaged(f"{where}: an entity to {action} has no valid name")
    was = item.get("was")
    was = was if isinstance(was, Mapping) else {}
    change = EntityChange(
        name=name,
        action=action,
        text=_optional(item, "text", where),
        label=_optional(item, "label", where),
        box=_box(item.get("box"), where),
        was_text=_optional(was, "text", where),
        was_label=_optional(was, "label", where),
    )
    if action == ADD and (change.text is None or not change.label or change.box is None):
        raise _Damaged(f"{where}: an added entity needs text, label and box")
    if change.label == "":
        raise _Damaged(f"{where}: a label is empty")
    return change


def _link(item: Any, added: set[EntityName], where: str) -> LinkChange:
    if not isinstance(item, Mapping) or item.get("action") not in (ADD, REMOVE, ACCEPT):
        raise _Damaged(f"{where}: a link without an action")
    ends: tuple[Any, Any] = (item.get("key"), item.get("value"))
    for end in ends:
        if not _is_index(end) and end not in added:
            raise _Damaged(f"{where}: a link names the entity {end!r}")
    if ends[0] == ends[1]:
        raise _Damaged(f"{where}: a link joins an entity with itself")
    return LinkChange(ends[0], ends[1], item["action"])


def _box(value: Any, where: str) -> Box | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise _Damaged(f"{where}: a box needs x0, y0, x1, y1")
    x0, y0, x1, y1 = (_number(each, f"{where}: a corner of a box") for each in value)
    if not (x0 < x1 and y0 < y1):
        raise _Damaged(f"{where}: a box without an extent")
    return (x0, y0, x1, y1)


def _text(item: Any, name: str) -> str:
    value = item.get(name) if isinstance(item, Mapping) else None
    if not isinstance(value, str) or not value:
        raise _Damaged(f"{name} is missing")
    return value


def _list(item: Any, name: str) -> list[Any]:
    value = item.get(name) if isinstance(item, Mapping) else None
    if not isinstance(value, list):
        raise _Damaged(f"{name} is no list")
    return value


def _optional(item: Mapping[str, Any], name: str, where: str) -> str | None:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise _Damaged(f"{where}: {name} is no text")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Damaged(f"{name} is no number")
    return float(value)


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_new_name(value: Any) -> bool:
    return isinstance(value, str) and value[:1] == "n" and value[1:].isascii() and value[1:].isdigit()
