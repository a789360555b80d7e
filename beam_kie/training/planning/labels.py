"""Which labels a network learns, and which of them are keys and values: as settings and label files say."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beam_kie.escaping import listed
from beam_kie.labelled.formats import IGNORED_LABELS, LabelledPage
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.training.planning.values import SettingsError, unknown

STANDARD = ("QUESTION", "ANSWER", "HEADER")
_LINKS = 'network.links must look like {"INVOICE_NO_KEY": ["INVOICE_NO"]}'
_OF_LABELS = (
    "labels",
    "head_labels",
    "tail_labels",
    "links",
    "keyless_labels",
    "tag_names",
    "relation_labels",
)


def label_fields(
    network: Mapping[str, Any], start: LayoutXLMConfig | None, pages: Sequence[LabelledPage]
) -> dict[str, Any]:
    """The fields of the configuration that concern labels.

    Labels are those that settings name; else those of the network to begin from, or QUESTION, ANSWER and
    HEADER, where they cover the labels of the pages; else the labels of the pages. Without ``head_labels``
    and ``tail_labels``, the links of the pages say which labels are keys (first of a link) and values.

    Args:
        network: the fields that settings name.
        start: of the network to begin from; None: there is none.
        pages: all labelled pages of the run; empty: only generated forms are learned from.

    Raises:
        SettingsError: labels that do not fit the pages.
    """
    given = {name: _upper(network[name]) for name in _OF_LABELS if name in network}
    if "links" in given:
        given |= _ends_of(given["links"], given)
    found = Counter(entry.label for page in pages for entry in page.entries if entry.is_entity)
    if "labels" in given:
        labels = given["labels"]
        if not isinstance(labels, tuple) or not all(isinstance(label, str) for label in labels):
            raise SettingsError('network.labels must be a list, for example ["INVOICE_NO_KEY", "INVOICE_NO"]')
        if not labels:
            raise SettingsError("network.labels is empty; leave it out to learn the labels of the files")
        if pages:
            _check_names(labels, found)
    else:
        known = start.labels if start is not None else STANDARD
        labels = known if set(found) <= set(known) else _in_order(found)
        if pages and not found:
            raise SettingsError("the label files name no entity: every entry is OTHER or has no label")
    _check_ends(labels, given)
    if start is not None and labels == start.labels:
        kept = {name: getattr(start, name) for name in _OF_LABELS}
        if given.keys() & {"head_labels", "tail_labels"}:
            kept["links"] = ()
        return {**kept, **given}
    if set(labels) <= set(STANDARD):
        found_fields = {
            "head_labels": tuple(label for label in ("QUESTION",) if label in labels),
            "tail_labels": tuple(label for label in ("ANSWER",) if label in labels),
        }
    else:
        found_fields = _own_fields(labels, pages, given)
    return {"labels": labels, **found_fields, **given}


def _upper(value: Any) -> Any:
    """Labels as readers of label files give them."""
    if isinstance(value, str):
        return value.upper()
    if isinstance(value, Mapping):
        return {str(key).upper(): _upper(item) for key, item in value.items()}
    return tuple(_upper(item) for item in value) if isinstance(value, list | tuple) else value


def _own_fields(
    labels: Sequence[str], pages: Sequence[LabelledPage], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Keys, values and what belongs together, for labels of one's own."""
    fields: dict[str, Any] = {}
    if "head_labels" not in given and "tail_labels" not in given:
        links = linked_labels(labels, pages)
        fields = _ends_of(links, {"labels": labels}) | {"links": tuple(links)}
    heads = given.get("head_labels", fields.get("head_labels", ()))
    alone = [label for label in labels if label not in heads and label not in STANDARD]
    return {"head_labels": (), "tail_labels": (), **fields, "keyless_labels": tuple(alone)}


def _ends_of(links: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The labels of keys and values that links name, in the order of ``labels`` where these are given.

    Args:
        links: pairs (key's label, value's label), or an object {key's label: value's label, or a list}.
        given: fields that settings name, which stay.
    """
    if isinstance(links, Mapping):
        lists = {key: [values] if isinstance(values, str) else values for key, values in links.items()}
        links = [(key, value) for key, values in lists.items() for value in _several(values)]
    pairs = [_several(pair) for pair in _several(links)]
    if not all(len(pair) == 2 and all(isinstance(end, str) for end in pair) for pair in pairs):
        raise SettingsError(_LINKS)
    order = given.get("labels") or [end for pair in pairs for end in pair]
    fields: dict[str, Any] = {"links": tuple(pairs)}
    for name, place in (("head_labels", 0), ("tail_labels", 1)):
        ends = [pair[place] for pair in pairs]
        known = [label for label in order if label in ends]
        fields[name] = given.get(name, tuple(dict.fromkeys([*known, *ends])))
    return fields


def _check_ends(labels: Sequence[str], given: Mapping[str, Any]) -> None:
    """Refuses keys and values that are none of the labels."""
    named = {"links": [end for pair in given.get("links", ()) for end in pair]}
    named |= {name: given.get(name, ()) for name in ("head_labels", "tail_labels", "keyless_labels")}
    for name, ends in named.items():
        for end in ends:
            if end not in labels:
                raise SettingsError(f"network.{name}: {unknown(end, labels)}")


def _several(values: Any) -> tuple:
    if not isinstance(values, list | tuple):
        raise SettingsError(_LINKS)
    return tuple(values)


def _check_names(labels: Sequence[str], found: Mapping[str, int]) -> None:
    """Refuses labels that mean no entity, or that no page has where one of the pages' is nearly the same."""
    for label in labels:
        if label in IGNORED_LABELS:
            raise SettingsError(f"network.labels: {label} means that a line is no entity; leave it out")
        if labels.count(label) > 1:
            raise SettingsError(f"network.labels: {label} is named more than once")
    for label in labels:
        near = difflib.get_close_matches(label, [name for name in found if name not in labels], 1)
        if label not in found and near:
            raise SettingsError(f"network.labels: {label} is in no label file; did you mean {near[0]}?")
    if not set(labels) & set(found):
        raise SettingsError(
            f"network.labels names {listed(labels)}, but the label files hold {listed(found) or 'none'}"
        )


def _in_order(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(found))


def linked_labels(labels: Sequence[str], pages: Iterable[LabelledPage]) -> list[tuple[str, str]]:
    """Pairs of labels that are linked, each as most of its links stand: the key's first.

    Args:
        labels: that count.
        pages: with their links.
    """
    votes: Counter[tuple[str, str]] = Counter()
    for page in pages:
        of = {entry.id: entry.label for entry in page.entries if entry.label in labels}
        links = {link for entry in page.entries for link in entry.links}
        votes.update((of[a], of[b]) for a, b in links if a in of and b in of and of[a] != of[b])
    return sorted(pair for pair, count in votes.items() if count > votes[pair[1], pair[0]])
