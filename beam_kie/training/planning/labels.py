"""Which labels a network learns, and which of them are keys and values: as settings and label files say."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beam_kie.escaping import listed
from beam_kie.labelled.formats import LabelledPage
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.training.planning.values import SettingsError

STANDARD = ("QUESTION", "ANSWER", "HEADER")
_OF_LABELS = ("labels", "head_labels", "tail_labels", "tag_names", "relation_labels")


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
    given = {name: network[name] for name in _OF_LABELS if name in network}
    found = Counter(entry.label for page in pages for entry in page.entries if entry.is_entity)
    if "labels" in given:
        labels = tuple(given["labels"])
        if pages:
            _check_names(labels, found)
    else:
        known = start.labels if start is not None else STANDARD
        labels = known if set(found) <= set(known) else _in_order(found)
        if pages and not found:
            raise SettingsError("the label files name no entity: every entry is OTHER or has no label")
    if start is not None and labels == start.labels:
        return {**{name: getattr(start, name) for name in _OF_LABELS}, **given}
    heads, tails = _ends(labels, pages)
    return {"labels": labels, "head_labels": heads, "tail_labels": tails, **given}


def _check_names(labels: Sequence[str], found: Mapping[str, int]) -> None:
    """Refuses named labels that no page has where one of the pages' labels is nearly the same."""
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


def _ends(labels: Sequence[str], pages: Sequence[LabelledPage]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels of keys and of values, by the links of the pages."""
    if set(labels) <= set(STANDARD):
        return tuple(x for x in ("QUESTION",) if x in labels), tuple(x for x in ("ANSWER",) if x in labels)
    pairs = linked_labels(labels, pages)
    heads, tails = {head for head, _ in pairs}, {tail for _, tail in pairs}
    return tuple(x for x in labels if x in heads), tuple(x for x in labels if x in tails)


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
