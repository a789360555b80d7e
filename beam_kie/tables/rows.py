"""From the values of the job to rows of its tables: pure functions of (value, provenance).

Ids follow from document, page and place. Nothing here depends on the clock, so that a rerun gives the
same rows. Confidences are rounded to 4 decimals and coordinates to 2, so that the last bits of a device's
arithmetic do not change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from statistics import fmean

from beam_kie.document import (
    Entity,
    Failure,
    KeyValue,
    LineSpan,
    PageResult,
    PageText,
    Status,
    TextLine,
)
from beam_kie.tables.cells import box_columns, confidence_cell, instant, selected_columns
from beam_kie.tables.conventions import NO_VALUE_OPTIONS, Convention, ValueOptions, page_convention
from beam_kie.tables.field_rows import with_fields
from beam_kie.tables.key_values import KEY_LABELS, key_values
from beam_kie.tables.schema import Provenance, Row
from beam_kie.tables.table_rows import table_rows
from beam_kie.tables.tallies import DocumentTally, PageCounts
from beam_kie.tables.text_columns import text_columns

PAGE_TABLES = ("pages", "lines", "entities", "key_values")


def page_tables(
    result: PageResult,
    provenance: Provenance,
    key_labels: Sequence[str] = KEY_LABELS,
    options: ValueOptions = NO_VALUE_OPTIONS,
) -> dict[str, list[Row]]:
    """All rows of one page.

    Args:
        result: entities and relations of one page.
        provenance: names and revisions of OCR and model, for every row.
        key_labels: labels whose entities are keys also where no value goes with them.
        options: how to read ambiguous values.

    Returns:
        Rows by name of the table (PAGE_TABLES).

    Raises:
        ValueError: a relation does not join two entities of the page.
    """
    tables = {
        "lines": line_rows(result.page, provenance),
        "entities": entity_rows(result, provenance),
        "key_values": key_rows_apart(result, provenance, key_labels, options),
    }
    return {"pages": [page_row(result.page, provenance, count_rows(tables))], **tables}


def count_rows(tables: dict[str, list[Row]]) -> PageCounts:
    """The counts of the rows of one page.

    Args:
        tables: what ``page_tables`` returned.
    """
    rows = tables["key_values"]
    pairs = [row for row in rows if (row["value_entity_id"] or row["value_text"]) is not None]
    return PageCounts.of(
        line_confidences=[row["confidence"] for row in tables["lines"]],
        entity_confidences=[row["confidence"] for row in tables["entities"]],
        pair_confidences=[row["confidence"] for row in pairs],
        labels=[row["label"] for row in tables["entities"]],
        keys_without_value=len(tables["key_values"]) - len(pairs),
    )


def page_row(page: PageText, provenance: Provenance, counts: PageCounts) -> Row:
    """The row of ``page`` in pages.

    Args:
        page: of any document.
        provenance: names and revisions of OCR and model, for every row.
        counts: what was found on it.
    """
    return {
        **_page_columns(page),
        "status": (Status.PARTIAL if page.is_damaged else Status.SUCCESS).value,
        **_page_geometry_columns(page),
        "skew_deg": page.skew_deg,
        **_count_columns(counts),
        **_provenance_columns(provenance, page.text_source),
    }


def line_rows(page: PageText, provenance: Provenance) -> list[Row]:
    """The rows of ``page`` in lines, in reading order.

    Args:
        page: its text, in reading order.
        provenance: names and revisions of OCR and model, for every row.
    """
    shared = _page_columns(page) | _page_geometry_columns(page)
    read = {source: _read_columns(provenance, source) for source in ("ocr", "pdf", page.text_source)}
    return [
        _line_row(page, index, line) | shared | read[_line_source(page, line)]
        for index, line in enumerate(page.lines)
    ]


def entity_rows(result: PageResult, provenance: Provenance) -> list[Row]:
    """The rows of ``result`` in entities, in reading order.

    Args:
        result: entities and relations of one page.
        provenance: names and revisions of OCR and model, for every row.
    """
    page = result.page
    shared = {
        **_page_columns(page),
        **_page_geometry_columns(page),
        **_provenance_columns(provenance, page.text_source),
    }
    return [_entity_row(page, index, entity) | shared for index, entity in enumerate(result.entities)]


def key_rows_apart(
    result: PageResult,
    provenance: Provenance,
    key_labels: Sequence[str] = KEY_LABELS,
    options: ValueOptions = NO_VALUE_OPTIONS,
) -> list[Row]:
    """The rows of ``result`` in key_values: every relation, every key without a value, and the values that
    have a row although they have no key.

    Args:
        result: entities and relations of one page.
        provenance: names and revisions of OCR and model, for every row.
        key_labels: labels whose entities are keys also where no value goes with them.
        options: how to read ambiguous values.

    Raises:
        ValueError: a relation does not join two entities of the page.
    """
    page = result.page
    shared = {
        **_page_columns(page),
        **_page_geometry_columns(page),
        **_provenance_columns(provenance, page.text_source),
    }
    convention = page_convention((line.text for line in page.lines), options)
    pairs = key_values(result, key_labels)
    rows = [
        (pair.key_index, _key_value_row(page, pair.key, pair, convention) | {"table_row": row})
        for pair, row in zip(pairs, table_rows(pairs), strict=True)
    ]
    for index in result.keyless:
        value = result.entities[index]
        pair = KeyValue(value, value, None, value.confidence, index, index)
        rows.append((index, _key_value_row(page, None, pair, convention) | {"table_row": None}))
    rows.sort(key=lambda row: row[0])
    found = with_fields([row for _, row in rows], result, convention)
    return [_pair_columns(page, number) | row | shared for number, row in enumerate(found)]


def failure_row(failure: Failure, provenance: Provenance) -> Row:
    """The row of ``failure`` in failures.

    Args:
        failure: of a document or page.
        provenance: names and revisions of OCR and model, for every row.
    """
    return {
        "failure_id": failure_id(failure),
        "document_id": failure.document_id,
        "uri": failure.uri,
        "page": failure.page,
        "page_id": None if failure.page is None else page_id(failure.document_id, failure.page),
        "stage": failure.stage.value,
        "category": failure.category.value,
        "severity": failure.category.severity.value,
        "message": failure.message,
        "retryable": failure.retryable,
        **_columns_of(provenance),
    }


def document_row(tally: DocumentTally, provenance: Provenance) -> Row:
    """The row of a document in documents.

    Args:
        tally: all that was counted of the document.
        provenance: names and revisions of OCR and model.

    Raises:
        ValueError: the tally is of no document.
    """
    document = tally.document
    if document is None:
        raise ValueError("a tally without a document has no row")
    return {
        "document_id": document.document_id,
        "uri": document.uri,
        "content_sha256": document.content_sha256,
        "size_bytes": document.size_bytes,
        "source_updated_at": instant(document.updated_at_s),
        "source_version": document.source_version,
        "format": document.format,
        "status": tally.status.value,
        "page_count": document.page_count,
        "pages_ok": tally.pages_ok,
        "pages_failed": tally.pages_failed,
        "failure_count": len(tally.failures),
        "retryable_failure_count": len(tally.retryable),
        "warning_count": len(tally.warnings),
        "result_run_id": document.result_run_id if tally.status is Status.SKIPPED else None,
        **_count_columns(tally.counts),
        **_columns_of(provenance),
    }


def page_id(document_id: str, page: int) -> str:
    """The id of a page; ids of its lines, entities and pairs begin with it.

    Args:
        document_id: 32 hex digits.
        page: from 1.
    """
    return f"{document_id}-p{page:04d}"


def failure_id(failure: Failure) -> str:
    """The id of a failure: a page, or document, fails at most once with one stage and category.

    Args:
        failure: of a document or page.
    """
    whole = failure.document_id if failure.page is None else page_id(failure.document_id, failure.page)
    return f"{whole}-{failure.stage.value}-{failure.category.value}"


def _line_row(page: PageText, index: int, line: TextLine) -> Row:
    return {
        "line_id": _line_id(page, index),
        "line_index": index,
        "text": line.text or None,
        "confidence": confidence_cell(line.confidence),
        **box_columns("", line.polygon),
    }


def _entity_row(page: PageText, index: int, entity: Entity) -> Row:
    return {
        "entity_id": _entity_id(page, index),
        "entity_index": index,
        "label": entity.label,
        "text": entity.text or None,
        "confidence": confidence_cell(entity.confidence),
        "first_line_id": _line_id(page, entity.spans[0].line) if entity.spans else None,
        "line_count": len({span.line for span in entity.spans}),
        **selected_columns(entity),
        **box_columns("", entity.polygon),
    }


def _pair_columns(page: PageText, index: int) -> Row:
    return {"pair_id": f"{page_id(page.document_id, page.page)}-k{index:04d}", "pair_index": index}


def _is_option(value: Entity | None) -> bool:
    return value is not None and value.selected is not None


def _key_value_row(page: PageText, key: Entity | None, pair: KeyValue, convention: Convention) -> Row:
    """The columns of a pair; ``key`` is None for a value that no key goes with: its label says what it is."""
    value = pair.value
    selected = selected_columns(key if value is None or value.selected is None else value)
    sure = selected["selected_confidence"]
    spans = [span for end in (key, value) if end is not None for span in end.spans]
    return {
        **text_columns(key.text if key else "", value.text if value else None, convention, _is_option(value)),
        **selected,
        # A row is no surer than the least sure thing that it says.
        "confidence": confidence_cell(pair.confidence if sure is None else min(pair.confidence, sure)),
        "key_confidence": confidence_cell(key.confidence) if key else None,
        "value_confidence": confidence_cell(value.confidence) if value else None,
        "relation_confidence": confidence_cell(pair.relation_confidence),
        **_ocr_columns(page, spans),
        "key_label": key.label if key else None,
        "value_label": value.label if value else None,
        "key_entity_id": _entity_id(page, pair.key_index) if key else None,
        "value_entity_id": None if pair.value_index is None else _entity_id(page, pair.value_index),
        **box_columns("key_", key.polygon if key else None),
        **box_columns("value_", value.polygon if value else None),
        "field_name": None,  # ``field_rows.with_fields`` knows it
    }


def _ocr_columns(page: PageText, spans: Sequence[LineSpan]) -> Row:
    """The least and the mean confidence of the lines of key and value, each line once."""
    found = (confidence_cell(page.lines[line].confidence) for line in sorted({span.line for span in spans}))
    measured = [confidence for confidence in found if confidence is not None]
    return {
        "ocr_confidence_min": min(measured, default=None),
        "ocr_confidence_mean": confidence_cell(fmean(measured)) if measured else None,
    }


def _page_columns(page: PageText) -> Row:
    return {
        "document_id": page.document_id,
        "uri": page.uri,
        "page": page.page,
        "page_id": page_id(page.document_id, page.page),
    }


def _page_geometry_columns(page: PageText) -> Row:
    return {
        "page_width_px": page.width_px,
        "page_height_px": page.height_px,
        "rotation_deg": page.rotation_deg,
        "text_source": page.text_source,
    }


def _line_source(page: PageText, line: TextLine) -> str:
    """Where a line comes from; of those that did not come from OCR no confidence is known."""
    if page.text_source != "mixed":
        return page.text_source
    return "pdf" if line.confidence is None else "ocr"


def _read_columns(provenance: Provenance, text_source: str) -> Row:
    return {"text_source": text_source, **_provenance_columns(provenance, text_source)}


def _provenance_columns(provenance: Provenance, text_source: str) -> Row:
    """Who read the text: a text layer or given lines were read by no OCR engine."""
    columns = dict(_columns_of(provenance))
    if text_source not in ("ocr", "mixed"):
        columns |= {"ocr_engine": None, "ocr_revision": None}
    return columns


@lru_cache(maxsize=16)
def _columns_of(provenance: Provenance) -> Row:
    """To be copied: ``asdict`` takes as long as three rows do."""
    return asdict(provenance)


def _count_columns(counts: PageCounts) -> Row:
    return {
        "line_count": counts.lines.count,
        "entity_count": counts.entities.count,
        "pair_count": counts.pairs.count,
        "key_without_value_count": counts.keys_without_value,
        "mean_line_confidence": confidence_cell(counts.lines.mean),
        "mean_entity_confidence": confidence_cell(counts.entities.mean),
        "mean_pair_confidence": confidence_cell(counts.pairs.mean),
    }


def _line_id(page: PageText, index: int) -> str:
    return f"{page_id(page.document_id, page.page)}-l{index:04d}"


def _entity_id(page: PageText, index: int) -> str:
    return f"{page_id(page.document_id, page.page)}-e{index:04d}"
