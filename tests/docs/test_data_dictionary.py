"""The data dictionary says what the schemas say, and its queries run."""

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from beam_kie.tables.rows import document_row, failure_row, page_tables
from beam_kie.tables.schema import SCHEMA_VERSION, SCHEMAS
from beam_kie.tables.summary import RunSummary
from beam_kie.tables.tallies import DocumentTally
from tests import pages
from tests.parquet_files import write_parquet

DICTIONARY = Path(__file__).parents[2] / "docs" / "data-dictionary.md"
TEXT = DICTIONARY.read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


def type_name(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    return "float32" if pa.types.is_float32(kind) else str(kind)


@pytest.mark.parametrize("table", SCHEMAS)
def test_columns_are_those_of_the_schema(table):
    section = re.search(rf"^### {table}\n(.*?)(?=^##)", TEXT, re.DOTALL | re.MULTILINE)[1]
    columns = [line for line in section.splitlines() if line.startswith("| `")]
    expected = [
        f"| `{column.name}` | {type_name(column.type)} | {'yes' if column.nullable else 'no'} "
        f"| {column.metadata[b'description'].decode()} |"
        for column in SCHEMAS[table]
    ]
    assert columns == expected


def test_no_other_table_is_described_and_the_version_is_right():
    assert re.findall(r"^### (.*)$", TEXT, re.MULTILINE) == list(SCHEMAS)
    assert f"Schema version {SCHEMA_VERSION}." in TEXT


def test_summary_keys_are_described():
    section = TEXT.split("## summary.json")[1].split("\n## ")[0]
    for key in RunSummary().sections():
        assert f"`{key}`" in section


def test_every_stage_that_is_timed_is_described():
    described = re.search(r"`stage_times` \| by stage \((.*?)\)", TEXT)[1].split(", ")
    timed = set()
    for path in (DICTIONARY.parents[1] / "transforms").rglob("*.py"):
        timed |= set(re.findall(r'(?:StageTimer|timed_steps)\("(\w+)"', path.read_text(encoding="utf-8")))
    assert set(described) == timed


FORM = [
    *pages.FORM,
    ("QUESTION", "Item", (100, 700, 200, 740)),
    ("QUESTION", "Price", (500, 700, 600, 740)),
    ("ANSWER", "5", (500, 750, 520, 790)),
    ("ANSWER", "a", (100, 750, 120, 790)),
    ("ANSWER", "b", (100, 800, 120, 840)),
]
CELLS = [(8, 11, 0.1), (8, 12, 0.1), (9, 10, 0.1)]


@pytest.fixture
def run(tmp_path):
    """A run "demo" under out/, as the queries expect it."""
    tables = page_tables(pages.result(form=FORM, links=[*pages.LINKS, *CELLS]), pages.PROVENANCE)
    tally = DocumentTally()
    tally.add_document(pages.document())
    tables["documents"] = [document_row(tally, pages.PROVENANCE)]
    tables["failures"] = [failure_row(pages.failure("form.jpg"), pages.PROVENANCE) | {"retryable": True}]
    for table, rows in tables.items():
        folder = tmp_path / "out" / table / "run_id=demo"
        folder.mkdir(parents=True)
        (folder / "part-00000-of-00001.parquet").write_bytes(write_parquet(table, rows))
    return tmp_path


def test_queries_run_and_find_what_they_say(run, monkeypatch):
    monkeypatch.chdir(run)
    pairs, fields, again, rows = (duckdb.sql(query).fetchall() for query in QUERIES)
    assert [row[2] for row in pairs][-3:] == ["Gebühr", "Date of birth", "姓名:"]
    assert str(fields[0][2]) == "2001-02-03"
    assert again == [("gs://scans/form.jpg",)]
    assert [row[2:] for row in rows] == [(0, ["item = a", "price = 5"]), (1, ["item = b"])]
