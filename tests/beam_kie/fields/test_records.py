import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from beam_kie.document import Severity
from beam_kie.fields.candidates import Candidate
from beam_kie.fields.choosing import choose_all
from beam_kie.fields.files import parse_fields
from beam_kie.fields.records import missing_failure, record_row, records_schema
from beam_kie.tables.parquet import encode_rows
from tests import pages

FILE = parse_fields(
    b"""
[fields.total]
type = "amount"
keys = ["Total"]
required = true

[fields.day]
type = "date"
keys = ["Date"]
required = true

[fields.number]
type = "text"
keys = ["Number"]
required = true

[fields.names]
type = "list"
keys = ["Name"]

[fields.sums]
type = "list"
of = "amount"
keys = ["Sum"]

[fields.paid]
type = "checkbox"
keys = ["Paid"]
""",
    "folder/fields.toml",
)
DOCUMENT = {
    "document_id": "ab" * 16,
    "uri": "gs://scans/a.pdf",
    "status": "SUCCESS",
    "page_count": 1,
    "pages_failed": 0,
    "result_run_id": None,
}
BOX = (1.0, 2.0, 3.0, 4.0)
FOUND = {
    "total": [Candidate(2, 7, "Total", 1.0, 0, 0.9, "3.50 €", Decimal("3.5"), "EUR", BOX)],
    "day": [Candidate(1, 0, "Date", 1.0, 0, 0.8, "soon", None)],
    "number": [Candidate(1, 0, "Number", 1.0, 0, 0.8)],
    "names": [Candidate(1, n, "Name", 1.0, 0, 0.7, name, name) for n, name in enumerate(("Ann", "Bo"))],
    "sums": [Candidate(1, 9, "Sum", 1.0, 0, 0.95, "2", Decimal(2))],
    "paid": [Candidate(1, 10, "Paid", 1.0, 0, 0.4, "no", False)],
}


def record(found=FOUND, **changes):
    document = DOCUMENT | changes
    chosen = choose_all(FILE, [found], document["page_count"])
    return record_row(document, chosen, FILE, pages.PROVENANCE), missing_failure(document, chosen)


def test_a_record_has_typed_values_and_where_they_come_from():
    row, _ = record()
    assert (row["total"], row["total_currency"]) == (Decimal("3.5"), "EUR")
    assert row["total_source"] == {
        "text": "3.50 €",
        "key": "Total",
        "confidence": 0.9,
        "doubt": None,
        "page": 2,
        "pair_id": f"{'ab' * 16}-p0002-k0007",
        **dict(zip(("x0", "y0", "x1", "y1"), BOX, strict=True)),
    }
    assert (row["names"], row["sums"], row["paid"]) == (["Ann", "Bo"], [Decimal(2)], False)
    assert len(row["names_source"]) == 2
    assert (row["day"], row["day_source"]["text"], row["day_source"]["doubt"]) == (None, "soon", "unreadable")
    assert (row["number"], row["number_source"]) == (None, None)
    assert row["missing"] == ["day", "number"]
    assert row["doubtful"] == ["day", "paid"]
    assert row["confidence"] == 0.4
    assert row["field_file"] == "fields.toml"


@pytest.mark.parametrize("found", [FOUND, {}])
def test_rows_fit_the_schema(found):
    schema = records_schema(FILE)
    row, _ = record(found)
    assert encode_rows("records", [row], schema)
    read = pa.Table.from_pylist([row], schema=schema).to_pylist()[0]
    assert (read["total"], read["day"]) == (row["total"], None)
    assert schema.field("day").type == pa.date32()
    assert isinstance(schema.field("total").type, pa.Decimal128Type)
    assert row | {"day": datetime.date(2021, 3, 4)} != row


def test_what_is_missing_is_one_warning_that_says_why():
    _, failure = record()
    assert failure.category.severity is Severity.WARNING
    assert failure.retryable is False
    for words in ("2 required fields", "day (a text that cannot be read as date)", "number (its key has no"):
        assert words in failure.message
    assert "soon" not in failure.message
    assert "total" not in failure.message
    assert "no key means it" in record({})[1].message


def test_pages_that_failed_are_told():
    assert "Pages of the document failed" in record(status="PARTIAL", pages_failed=1)[1].message


def test_a_document_that_failed_has_a_record_and_no_warning():
    row, failure = record({}, status="FAILURE", page_count=None)
    assert (row["status"], row["missing"], failure) == ("FAILURE", ["total", "day", "number"], None)


def test_a_document_that_was_skipped_lacks_nothing():
    row, failure = record({}, status="SKIPPED", result_run_id="before")
    assert (row["missing"], row["result_run_id"], failure) == ([], "before", None)


def test_nothing_is_missing_where_all_is_there():
    found = FOUND | {
        "day": [Candidate(1, 0, "Date", 1.0, 0, 0.8, "x", datetime.date(2021, 3, 4))],
        "number": [Candidate(1, 0, "Number", 1.0, 0, 0.8, "7", "7")],
    }
    row, failure = record(found)
    assert (row["missing"], failure) == ([], None)
