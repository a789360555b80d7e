"""The table ``records``: one row a document, with a column for each field and one for where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from beam_kie.document import Category, Failure, Stage, Status
from beam_kie.fields.candidates import Candidate
from beam_kie.fields.choosing import Chosen, Gap
from beam_kie.fields.definitions import Field, FieldFile, FieldType
from beam_kie.fields.values import AMOUNT_DECIMALS, AMOUNT_DIGITS
from beam_kie.tables.rows import page_id
from beam_kie.tables.schema import RECORDS, SCHEMA_VERSION, Provenance, Row

_STRING, _INT, _FLOAT = pa.string(), pa.int32(), pa.float32()
_TEXTS = pa.list_(pa.field("element", _STRING, nullable=False))

_TYPES = {
    FieldType.TEXT: _STRING,
    FieldType.DATE: pa.date32(),
    FieldType.AMOUNT: pa.decimal128(AMOUNT_DIGITS, AMOUNT_DECIMALS),
    FieldType.NUMBER: pa.float64(),
    FieldType.CHECKBOX: pa.bool_(),
}

_SOURCE = pa.struct(
    [
        pa.field("text", _STRING),
        pa.field("key", _STRING),
        pa.field("confidence", _FLOAT),
        pa.field("doubt", _STRING),
        pa.field("page", _INT),
        pa.field("pair_id", _STRING),
        *(pa.field(name, _FLOAT) for name in ("x0", "y0", "x1", "y1")),
    ]
)
"""Where a value comes from; docs/fields.md describes it."""


def records_schema(file: FieldFile) -> pa.Schema:
    """The schema of ``records`` for some fields.

    Args:
        file: the fields.
    """
    columns = [
        _column("document_id", _STRING, "stable id of (uri, content), as in documents", nullable=False),
        _column("uri", _STRING, "where the file was read from", nullable=False),
        _column("status", _STRING, "of the document, as in documents", nullable=False),
        _column("page_count", _INT, "pages in the file; NULL where it could not be opened"),
        _column("pages_failed", _INT, "pages that could not be read", nullable=False),
        _column("result_run_id", _STRING, "SKIPPED: the run that holds the document's record; else NULL"),
        *(column for field in file.fields for column in _field_columns(field)),
        _column("confidence", _FLOAT, "the least confidence of its fields, 0 to 1; NULL without a value"),
        _column("missing", _TEXTS, "required fields without a value", nullable=False),
        _column("doubtful", _TEXTS, "fields whose value is unsure or cannot be read", nullable=False),
        _column("field_file", _STRING, "name of the field file", nullable=False),
        *(_column(name, _STRING, "as in documents") for name in Provenance.__slots__),
    ]
    return pa.schema(columns, metadata={"beam_kie.schema_version": SCHEMA_VERSION, "beam_kie.table": RECORDS})


def record_row(document: Row, chosen: Sequence[Chosen], file: FieldFile, provenance: Provenance) -> Row:
    """The row of a document.

    Args:
        document: ``document_id``, ``uri``, ``status``, ``page_count``, ``pages_failed`` and
            ``result_run_id``, as in documents.
        chosen: what was found of each field, in the order of the file.
        file: the fields.
        provenance: names and revisions of OCR and model.
    """
    names = ("document_id", "uri", "status", "page_count", "pages_failed", "result_run_id")
    columns: Row = {name: document[name] for name in names}
    for each in chosen:
        columns |= _cells(document["document_id"], each)
    skipped = document["status"] == Status.SKIPPED
    confidences = [each.confidence for each in chosen if each.confidence is not None]
    return {
        **columns,
        "confidence": min(confidences, default=None),
        "missing": [] if skipped else missing_fields(chosen),
        "doubtful": [each.field.name for each in chosen if each.doubt is not None],
        "field_file": file.name,
        **asdict(provenance),
    }


def missing_fields(chosen: Iterable[Chosen]) -> list[str]:
    """The names of required fields without a value.

    Args:
        chosen: what was found of each field of a document.
    """
    return [each.field.name for each in chosen if each.field.required and not each.values]


def missing_failure(document: Row, chosen: Sequence[Chosen]) -> Failure | None:
    """The warning of a document that was read but lacks required fields.

    Args:
        document: ``document_id``, ``uri``, ``status`` and ``pages_failed``.
        chosen: what was found of each field.

    Returns:
        None where nothing is missing, or no page was read: then the failures of its pages say why.
    """
    if document["status"] not in (Status.SUCCESS, Status.PARTIAL):
        return None
    gaps = [each for each in chosen if each.field.required and not each.values]
    if not gaps:
        return None
    told = ", ".join(f"{each.field.name} ({_why(each)})" for each in gaps)
    fields = "1 required field has" if len(gaps) == 1 else f"{len(gaps)} required fields have"
    pages = ". Pages of the document failed and may hold them" if document["pages_failed"] else ""
    return Failure(
        document_id=document["document_id"],
        uri=document["uri"],
        page=None,
        stage=Stage.FIELDS,
        category=Category.FIELD_MISSING,
        message=f"{fields} no value: {told}{pages}. Look at the page; add its keys to the fields.",
    )


def _why(chosen: Chosen) -> str:
    if chosen.gap is Gap.UNREADABLE:
        return f"a text that cannot be read as {chosen.field.of}"
    return "its key has no value" if chosen.gap is Gap.NO_VALUE else "no key means it"


def _field_columns(field: Field) -> list[pa.Field]:
    type_ = _TYPES[field.of]
    of = f"{field.type} of {field.of}" if field.is_list else str(field.type)
    many = pa.list_(pa.field("element", type_, nullable=False)) if field.is_list else type_
    source = pa.list_(pa.field("element", _SOURCE, nullable=False)) if field.is_list else _SOURCE
    columns = [_column(field.name, many, f"field, {of}")]
    if field.of is FieldType.AMOUNT and not field.is_list:
        columns.append(
            _column(f"{field.name}_currency", _STRING, f"ISO 4217 code of {field.name}; NULL: not known")
        )
    return [*columns, _column(f"{field.name}_source", source, f"where {field.name} comes from")]


def _cells(document_id: str, chosen: Chosen) -> Row:
    field, values = chosen.field, chosen.values
    sources = [_source(document_id, source, chosen) for source in chosen.sources]
    if field.is_list:
        return {field.name: values, f"{field.name}_source": sources}
    cells: Row = {field.name: values[0] if values else None}
    if field.of is FieldType.AMOUNT:
        cells[f"{field.name}_currency"] = chosen.sources[0].currency if values else None
    return cells | {f"{field.name}_source": sources[0] if sources else None}


def _source(document_id: str, source: Candidate, chosen: Chosen) -> dict[str, Any]:
    box = source.box or (None,) * 4
    return {
        "text": source.text,
        "key": source.key,
        "confidence": source.confidence,
        "doubt": None if chosen.doubt is None else chosen.doubt.value,
        "page": source.page,
        "pair_id": f"{page_id(document_id, source.page)}-k{source.pair_index:04d}",
        **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
    }


def _column(name: str, type_: pa.DataType, meaning: str, nullable: bool = True) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"description": meaning})
