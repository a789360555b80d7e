"""The schemas of a run's tables, and the provenance that is part of every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

SCHEMA_VERSION = "1.4"
"""The minor number grows with every new (nullable) column, the major one when a column changes or is
removed."""

RECORDS = "records"
"""The table of fields; its columns are those of a field file (``beam_kie.fields.records``)."""

TABLE_CELLS = "table_cells"
"""The table of cells of tables on pages (``beam_kie.tables.cell_rows``)."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who read the pages: names and revisions that go on every row. Known when the job is built.

    ``ocr_engine`` and ``ocr_revision`` are None where no OCR runs (``--ocr_engine none``). ``options_digest``
    stands for the options that the results depend on: two runs that agree in all of this find the same.
    """

    ocr_engine: str | None
    ocr_revision: str | None
    model: str
    model_revision: str
    options_digest: str | None = None


_STRING, _INT, _FLOAT = pa.string(), pa.int32(), pa.float32()
_TEXTS = pa.list_(pa.field("element", _STRING, nullable=False))
_POLYGON = pa.list_(pa.field("element", _FLOAT, nullable=False))
_INSTANT = pa.timestamp("us", tz="UTC")


def _column(name: str, type_: pa.DataType, meaning: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"description": meaning})


def _nullable(name: str, type_: pa.DataType, meaning: str) -> pa.Field:
    return _column(name, type_, meaning, nullable=True)


def _source() -> list[pa.Field]:
    return [
        _column("document_id", _STRING, "stable id of (uri, content), 32 hex digits; the same in every run"),
        _column("uri", _STRING, "where the file was read from"),
    ]


def _page() -> list[pa.Field]:
    return [*_source(), _column("page", _INT, "page of the file, from 1")]


def _place() -> list[pa.Field]:
    return [*_page(), _nullable("page_id", _STRING, "the page, a row of pages: document_id and page")]


def _page_geometry() -> list[pa.Field]:
    return [
        _column("page_width_px", _INT, "width of the upright page in pixels"),
        _column("page_height_px", _INT, "height of the upright page in pixels"),
        _column("rotation_deg", _INT, "clockwise turn that makes the stored page upright: 0, 90, 180 or 270"),
        _column(
            "text_source",
            _STRING,
            "where the text came from: ocr, pdf (text layer), given, or mixed (ocr and pdf)",
        ),
    ]


def _box(prefix: str, of: str, make=_column) -> list[pa.Field]:
    return [
        make(f"{prefix}x0", _FLOAT, f"left edge of {of} in pixels of the upright page"),
        make(f"{prefix}y0", _FLOAT, f"top edge of {of} in pixels"),
        make(f"{prefix}x1", _FLOAT, f"right edge of {of} in pixels"),
        make(f"{prefix}y1", _FLOAT, f"bottom edge of {of} in pixels"),
        make(f"{prefix}polygon", _POLYGON, f"corners of {of}, x, y, x, y, ... in pixels, clockwise"),
    ]


def _counts(of: str) -> list[pa.Field]:
    return [
        _column("line_count", _INT, f"rows of {of} in lines"),
        _column("entity_count", _INT, f"rows of {of} in entities"),
        _column("pair_count", _INT, f"rows of {of} in key_values that have a value"),
        _column("key_without_value_count", _INT, f"rows of {of} in key_values without a value"),
        _nullable("mean_line_confidence", _FLOAT, "mean of lines.confidence, 0 to 1"),
        _nullable("mean_entity_confidence", _FLOAT, "mean of entities.confidence, 0 to 1"),
        _nullable(
            "mean_pair_confidence", _FLOAT, "mean of key_values.confidence where there is a value, 0 to 1"
        ),
    ]


def _provenance() -> list[pa.Field]:
    return [
        _nullable("ocr_engine", _STRING, "OCR engine; NULL where no OCR read the text"),
        _nullable("ocr_revision", _STRING, "version of the OCR engine and its weights; NULL with ocr_engine"),
        _column("model", _STRING, "model that found entities and relations"),
        _column("model_revision", _STRING, "revision of its weights"),
        _nullable("options_digest", _STRING, "digest of the options that results depend on (docs/reruns.md)"),
    ]


_COLUMNS: dict[str, list[pa.Field]] = {
    "documents": [
        *_source(),
        _nullable("content_sha256", _STRING, "SHA-256 of the file's bytes, hex; NULL where it was not read"),
        _nullable("size_bytes", pa.int64(), "size of the file in bytes"),
        _nullable("source_updated_at", _INSTANT, "when the file was last changed, as its storage says, UTC"),
        _nullable(
            "source_version", _STRING, "generation (gs://) or ETag (s3://) of the file; NULL for local files"
        ),
        _nullable(
            "format",
            _STRING,
            "jpeg, png, tiff, bmp, webp, avif, heic, jpeg2000 or pdf, by content; NULL where it is none",
        ),
        _column(
            "status", _STRING, "SUCCESS, PARTIAL (something failed), FAILURE (no page was processed), SKIPPED"
        ),
        _nullable("page_count", _INT, "pages in the file; NULL where it could not be opened"),
        _column("pages_ok", _INT, "pages that were processed, rows of pages"),
        _column("pages_failed", _INT, "pages that failed, with rows in failures"),
        _column("failure_count", _INT, "rows of the document in failures that are errors"),
        _nullable(
            "retryable_failure_count", _INT, "failures of the document that may not occur in a later run"
        ),
        _nullable("warning_count", _INT, "rows of the document in failures that are warnings"),
        _nullable(
            "result_run_id", _STRING, "SKIPPED: the earlier run that holds the document's rows; else NULL"
        ),
        *_counts("the document"),
        *_provenance(),
    ],
    "pages": [
        _column("page_id", _STRING, "document_id and page"),
        *_page(),
        _nullable("status", _STRING, "PARTIAL: a part is damaged, and its text is missing; else SUCCESS"),
        *_page_geometry(),
        _nullable(
            "skew_deg",
            _FLOAT,
            "slope of lines on the upright page in degrees, clockwise; NULL: not known",
        ),
        *_counts("the page"),
        *_provenance(),
    ],
    "lines": [
        _column("line_id", _STRING, "document_id, page and line_index"),
        *_place(),
        _column("line_index", _INT, "place of the line in the page's reading order, from 0"),
        _nullable("text", _STRING, "recognised text; NULL where it is empty"),
        _nullable(
            "confidence", _FLOAT, "confidence of the recognition, 0 to 1; NULL where none was measured"
        ),
        *_box("", "the line"),
        *_page_geometry(),
        *_provenance(),
    ],
    "entities": [
        _column("entity_id", _STRING, "document_id, page and entity_index"),
        *_place(),
        _column("entity_index", _INT, "place of the entity in the page's reading order, from 0"),
        _column(
            "label", _STRING, "class: QUESTION (a key), ANSWER (a value), HEADER, or one of your own model"
        ),
        _nullable("text", _STRING, "its text, from one or several lines; NULL where it is empty"),
        _column("confidence", _FLOAT, "probability that label and extent are right, 0 to 1"),
        _nullable("first_line_id", _STRING, "the line where it begins, a row of lines"),
        _column("line_count", _INT, "number of lines that its text is on"),
        _nullable("selected", pa.bool_(), "whether the box or ring beside it is ticked; NULL: there is none"),
        _nullable(
            "selected_confidence",
            _FLOAT,
            "that selected is right, 0 to 1; not calibrated; NULL with selected",
        ),
        *_box("", "the entity"),
        *_page_geometry(),
        *_provenance(),
    ],
    "key_values": [
        _column("pair_id", _STRING, "document_id, page and pair_index"),
        *_place(),
        _column("pair_index", _INT, "place of the pair in the page's reading order, from 0"),
        _nullable("key_text", _STRING, "text of the key as recognised; NULL where it is empty or missing"),
        _nullable(
            "key_normalised",
            _STRING,
            "key_text in Unicode's form NFKC, case folded, with single spaces, without bullets and colons",
        ),
        _nullable("value_text", _STRING, "text of the value; NULL where the key has no value or it is empty"),
        _nullable(
            "value_type", _STRING, "date, amount, number, checkbox or option where the value is plainly one"
        ),
        _nullable(
            "value_normalised",
            _STRING,
            "date: YYYY-MM-DD; amount, number: digits with a point; checkbox: true or false; "
            "option: its text without the mark",
        ),
        _nullable("value_currency", _STRING, "ISO 4217 code of an amount; NULL where its sign is ambiguous"),
        _nullable(
            "value_currency_readings", _TEXTS, "codes that the ambiguous sign of an amount may stand for"
        ),
        _nullable(
            "value_null_reason",
            _STRING,
            "why a text that looks like a date or number has no value_type: date_order, century, "
            "decimal_mark, sign, identifier or time",
        ),
        _nullable(
            "value_readings",
            _TEXTS,
            "the forms that value_normalised could have where value_null_reason says that there are several",
        ),
        _nullable(
            "selected",
            pa.bool_(),
            "whether the box or ring beside the value (without one: the key) is ticked; NULL: there is none",
        ),
        _nullable(
            "selected_confidence",
            _FLOAT,
            "that selected is right, 0 to 1; not calibrated; NULL with selected",
        ),
        _column(
            "confidence",
            _FLOAT,
            "probability that key, value and their link are right; of the one that is there alone; 0 to 1",
        ),
        _nullable(
            "key_confidence",
            _FLOAT,
            "probability that the key's label and extent are right, 0 to 1; NULL without a key",
        ),
        _nullable(
            "value_confidence",
            _FLOAT,
            "probability that the value's label and extent are right, 0 to 1; NULL without a value",
        ),
        _nullable(
            "relation_confidence",
            _FLOAT,
            "probability that key and value belong together if both are right, 0 to 1; NULL without either",
        ),
        _nullable(
            "ocr_confidence_min",
            _FLOAT,
            "least of lines.confidence over the lines of key and value, 0 to 1; NULL where none was measured",
        ),
        _nullable("ocr_confidence_mean", _FLOAT, "mean of them, each line once, 0 to 1"),
        _nullable(
            "table_row",
            _INT,
            "row of the tables on the page that the value stands in, from 0; NULL where it stands in none",
        ),
        _nullable(
            "field_name", _STRING, "name of the fillable form's field that holds the value; NULL elsewhere"
        ),
        _nullable(
            "key_label",
            _STRING,
            "label of the key's entity; FIELD: the key is a form field's tooltip or name; NULL without a key",
        ),
        _nullable("value_label", _STRING, "label of the value's entity; NULL without a value"),
        _nullable(
            "key_entity_id", _STRING, "the key, a row of entities; NULL: the value's label says what it is"
        ),
        _nullable("value_entity_id", _STRING, "the value, a row of entities; NULL: the key has no value"),
        *_box("key_", "the key", make=_nullable),
        *_box("value_", "the value", make=_nullable),
        *_page_geometry(),
        *_provenance(),
    ],
    "failures": [
        _column("failure_id", _STRING, "document_id, page, stage and category"),
        *_source(),
        _nullable("page", _INT, "page of the file, from 1; NULL: the whole document"),
        _nullable("page_id", _STRING, "document_id and page; NULL: the whole document"),
        _column("stage", _STRING, "READ, DECODE, OCR, MODEL, OVERLAY or FIELDS"),
        _column("category", _STRING, "kind of failure, one of a closed set"),
        _nullable(
            "severity", _STRING, "error, or warning: the document was processed, but somebody should look"
        ),
        _column("message", _STRING, "what happened and what to do; never holds recognised text"),
        _column("retryable", pa.bool_(), "whether the same file may succeed in a later run"),
        *_provenance(),
    ],
}

SCHEMAS: dict[str, pa.Schema] = {
    table: pa.schema(columns, metadata={"beam_kie.schema_version": SCHEMA_VERSION, "beam_kie.table": table})
    for table, columns in _COLUMNS.items()
}
"""Table name -> schema. Every field has a ``description`` in its metadata, every schema its version."""

ROW_ID = {
    "documents": "document_id",
    "pages": "page_id",
    "lines": "line_id",
    "entities": "entity_id",
    "key_values": "pair_id",
    "failures": "failure_id",
}
"""Table name -> the column that names a row."""
