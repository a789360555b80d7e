import io

import pyarrow as pa
import pyarrow.parquet as pq

from beam_kie.tables.parquet import write_parquet
from beam_kie.tables.rows import page_tables
from beam_kie.tables.schema import ROW_ID, SCHEMA_VERSION, SCHEMAS
from tests import pages


def read(data: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(data))


def rows_of(table, name="form.jpg", page=1):
    return page_tables(pages.result(name, page), pages.PROVENANCE)[table]


def test_every_table_says_its_name_and_version_in_the_footer():
    for table, schema in SCHEMAS.items():
        footer = read(write_parquet(table, [])).schema.metadata
        assert footer[b"beam_kie.schema_version"] == SCHEMA_VERSION.encode()
        assert footer[b"beam_kie.table"] == table.encode()
        assert ROW_ID[table] in schema.names


def test_names_are_lower_snake_and_every_column_is_described():
    for schema in SCHEMAS.values():
        for column in schema:
            assert column.name.isascii() and column.name == column.name.lower()
            assert column.metadata[b"description"]


def test_every_table_names_ocr_and_model_on_every_row():
    for schema in SCHEMAS.values():
        expected = ["ocr_engine", "ocr_revision", "model", "model_revision", "options_digest"]
        assert schema.names[-5:] == expected
