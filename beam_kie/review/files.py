"""All files of a run's review, one after the other: data in chunks, then the page itself."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from itertools import groupby
from typing import Any

from beam_kie import __version__
from beam_kie.overlays.page import place_on_overlay
from beam_kie.review.compact import CompactPage, Labels, compact_page, thousandths
from beam_kie.review.pages import PageRows, Row
from beam_kie.review.pictures import Pictures

DATA_VERSION = 1
"""Of the form of the chunks; the page refuses others."""

INDEX = "index.html"
"""The file to open; it is written last."""

PAGES_IN_CHUNK = 20
TEXTS_IN_CHUNK = 250
DOCUMENTS_IN_CHUNK = 1_000

_NAMED_KEYS = 300
_COUNTED_KEYS = 50_000
_NO_PICTURE, _CLEAN, _OVERLAY, _FAILED = range(4)


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """One file of a review: its name relative to the review's folder, with ``/``, and its bytes."""

    name: str
    data: bytes = field(repr=False)


def review_files(
    summary: dict[str, Any], pages: Iterable[PageRows], pictures: Pictures
) -> Iterator[ReviewFile]:
    """Everything of a review but the pictures.

    Data is yielded as it becomes complete, so that no more than a chunk of details is in memory; of every
    page some 100 bytes stay. ``index.html`` comes last.

    Args:
        summary: the run's ``summary.json``.
        pages: of ``join_pages``, the documents of one shard after those of the other.
        pictures: which pictures there are.

    Raises:
        ValueError: rows that do not belong together.
    """
    builder = _Builder(pictures)
    for document_id, group in groupby(pages, key=lambda page: page.document_id):
        yield from builder.add_document(document_id, group)
    yield from builder.finish()
    yield _chunk("run", 0, builder.facts(summary))
    index = None
    for file in page_files():
        if file.name == INDEX:
            index = file
        else:
            yield file
    assert index is not None
    yield index


def page_files() -> Iterator[ReviewFile]:
    """The page itself, the same for every run: HTML, styles, scripts."""
    for entry in sorted(
        resources.files("beam_kie.review").joinpath("static").iterdir(), key=lambda e: e.name
    ):
        name = entry.name if entry.name == INDEX else f"static/{entry.name}"
        yield ReviewFile(name, entry.read_bytes())


def chunk_name(kind: str, number: int) -> str:
    """The file of a chunk, relative to the review's folder.

    Args:
        kind: what the chunk holds.
        number: from 0.
    """
    return f"data/{kind}-{number:05d}.js"


def _chunk(kind: str, number: int, content: Any) -> ReviewFile:
    """JSON in a call: a page that is opened from disk may load scripts, but not fetch files."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # In a script "<" could open a comment, and old engines take U+2028 for the end of a line.
    for character in "<\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return ReviewFile(
        chunk_name(kind, number), f'BeamKieReview.receive("{kind}",{number},{text});\n'.encode()
    )


class _Builder:
    """Fills chunks page by page and remembers what lists show."""

    def __init__(self, pictures: Pictures):
        self._pictures = pictures
        self._labels = Labels()
        self._keys: Counter[str] = Counter()
        self._pages = 0
        self._documents = 0
        self._open: dict[str, list[Any]] = {"pages": [], "texts": [], "documents": []}
        self._written: Counter[str] = Counter()
        self._digest = hashlib.sha256()

    def add_document(self, document_id: str, group: Iterable[PageRows]) -> Iterator[ReviewFile]:
        """Take all rows of one document; yields the chunks that it filled."""
        row: Row | None = None
        failures: list[Row] = []
        entries: dict[int, list[Any]] = {}
        for page in group:
            for found in page.of("documents"):
                row = found
            failures += page.of("failures")
            if page.of("pages"):
                compact = compact_page(page, self._labels)
                entries[page.page] = self._entry(document_id, page, compact)
                yield from self._take_page(compact)
        if row is None:
            raise ValueError(f"document {document_id} has no row in documents")
        for number in sorted({failure["page"] for failure in failures} - {None} - entries.keys()):
            drawn = (document_id, number) in self._pictures.overlays
            clean = (document_id, number) in self._pictures.clean
            kind = _CLEAN if clean else _FAILED if drawn else _NO_PICTURE
            entries[number] = [number, -1, 0, 0, 0, -1, 0, -1, kind]
        self._documents += 1
        yield from self._put("documents", DOCUMENTS_IN_CHUNK, _document(row, failures, entries))

    def finish(self) -> Iterator[ReviewFile]:
        """The chunks that are not full."""
        for kind in self._open:
            yield from self._close(kind)

    def facts(self, summary: dict[str, Any]) -> dict[str, Any]:
        """What the page needs to know before anything else."""
        labels = self._labels
        return {
            "data_version": DATA_VERSION,
            "beam_kie_version": __version__,
            "schema_version": summary.get("schema_version"),
            "run_id": summary["run_id"],
            # Of the data, so that corrections in a browser are kept apart where a run was replaced.
            "review_id": f"{summary['run_id']}-{self._digest.hexdigest()[:12]}",
            "model": (summary.get("provenance") or {}).get("model"),
            "labels": labels.names,
            "key_labels": [labels.number(name) for name in sorted(labels.keys)] or [0],
            "value_labels": [labels.number(name) for name in sorted(labels.values)] or [1],
            "documents": self._documents,
            "pages": self._pages,
            "chunks": {kind: self._written[kind] for kind in self._open},
            "pages_in_chunk": PAGES_IN_CHUNK,
            "texts_in_chunk": TEXTS_IN_CHUNK,
            "keys": [[name, count] for name, count in self._keys.most_common(_NAMED_KEYS) if count > 1],
        }

    def _entry(self, document_id: str, page: PageRows, compact: CompactPage) -> list[Any]:
        """What lists show of a page that came through."""
        place = (document_id, page.page)
        area: list[int] = []
        kind = _CLEAN if place in self._pictures.clean else _NO_PICTURE
        if kind == _NO_PICTURE and place in self._pictures.overlays:
            kind = _OVERLAY
            size = (compact.details[0], compact.details[1])
            drawn, at = place_on_overlay(size, self._pictures.overlay_max_side, len(page.of("key_values")))
            area = [*drawn, *at]
        return [
            *(page.page, self._pages, compact.entity_count),
            *(compact.pair_count, compact.key_without_value_count),
            thousandths(compact.mean_confidence),
            round(compact.expected_wrong * 100),
            thousandths(min(compact.confidences, default=None)),
            *(kind, *area),
        ]

    def _take_page(self, compact: CompactPage) -> Iterator[ReviewFile]:
        self._pages += 1
        for key in filter(None, compact.keys):
            if key in self._keys or len(self._keys) < _COUNTED_KEYS:
                self._keys[key] += 1
        yield from self._put("pages", PAGES_IN_CHUNK, compact.details)
        yield from self._put("texts", TEXTS_IN_CHUNK, compact.texts)

    def _put(self, kind: str, size: int, content: Any) -> Iterator[ReviewFile]:
        self._open[kind].append(content)
        if len(self._open[kind]) == size:
            yield from self._close(kind)

    def _close(self, kind: str) -> Iterator[ReviewFile]:
        if not self._open[kind]:
            return
        file = _chunk(kind, self._written[kind], self._open[kind])
        self._open[kind] = []
        self._written[kind] += 1
        self._digest.update(file.data)
        yield file


def _document(row: Row, failures: list[Row], entries: dict[int, list[Any]]) -> list[Any]:
    """What lists show of a document; ``documentOf`` in ``static/data.js`` reads it."""
    return [
        row["document_id"],
        row["uri"],
        row["status"],
        row["format"] or "",
        -1 if row["page_count"] is None else row["page_count"],
        row["result_run_id"] or "",
        [
            [each["page"] or 0, each["stage"], each["category"], each["message"], each["retryable"]]
            for each in failures
        ],
        [entries[number] for number in sorted(entries)],
    ]
