import io
import tracemalloc
from contextlib import nullcontext

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_kie.tables import parquet as parquet_module
from beam_kie.tables.parquet import encode_rows, page_key, write_files, write_pages
from beam_kie.tables.rows import failure_row, page_tables
from beam_kie.tables.schema import ROW_ID, SCHEMA_VERSION, SCHEMAS
from tests import pages
from tests.parquet_files import parquet_from_encoded, write_parquet


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


def test_no_rows_make_a_file_with_all_columns():
    for table, schema in SCHEMAS.items():
        empty = read(write_parquet(table, []))
        assert empty.num_rows == 0
        assert empty.schema.equals(schema)


def test_rows_come_back_as_they_were():
    rows = rows_of("key_values")
    (read_back, *_) = read(write_parquet("key_values", rows)).to_pylist()
    assert read_back["key_text"] == "姓名:"
    assert read_back["key_polygon"] == rows[0]["key_polygon"]
    assert read_back["confidence"] == pytest.approx(0.729)


def test_the_same_rows_in_any_order_and_grouping_give_the_same_bytes():
    by_page = [rows_of("lines"), rows_of("lines", page=2), rows_of("lines", "other.jpg")]
    whole = parquet_from_encoded("lines", [encode_rows("lines", rows) for rows in by_page])
    single = [encode_rows("lines", [row]) for rows in reversed(by_page) for row in reversed(rows)]
    assert parquet_from_encoded("lines", single) == whole
    assert parquet_from_encoded("lines", [*single, encode_rows("lines", [])]) == whole
    assert write_parquet("lines", [row for rows in by_page for row in rows]) == whole[0]
    assert whole[1] == 24


@pytest.mark.parametrize("row_group", [1, 7, 8, 24, 1000])
def test_row_groups_have_their_size_and_lose_nothing(monkeypatch, row_group):
    rows = [row for page in (1, 2, 3) for row in rows_of("lines", page=page)]
    expected = read(write_parquet("lines", rows))
    monkeypatch.setattr(parquet_module, "_ROW_GROUP", row_group)
    file = pq.ParquetFile(io.BytesIO(write_parquet("lines", rows)))
    sizes = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
    full, rest = divmod(24, row_group)
    assert sizes == [row_group] * full + [rest] * bool(rest)
    assert file.read().equals(expected)


@pytest.mark.parametrize(
    ("bounds", "sizes"), [((9, 2**20), [16, 16, 8]), ((8, 2**20), [8] * 5), ((99, 1), [8] * 5)]
)
def test_files_end_with_the_page_that_fills_them(bounds, sizes):
    found = [encode_rows("lines", rows_of("lines", page=page)) for page in range(1, 6)]
    sinks = {}

    def opened(number):
        return nullcontext(sinks.setdefault(number, io.BytesIO()))

    assert write_files("lines", ([page] for page in found), opened, *bounds) == sizes
    tables = [read(sinks[number].getvalue()) for number in range(len(sizes))]
    assert pa.concat_tables(tables).equals(read(parquet_from_encoded("lines", found)[0]))
    assert write_files("lines", iter([]), opened) == [0]
    assert read(sinks[0].getvalue()).num_rows == 0


def test_small_tables_of_pages_do_not_pile_up():
    # One of a single row takes over a kilobyte, so that a row group of them would be 10 MB and more.
    rows = [failure_row(pages.failure(f"{number}.pdf"), pages.PROVENANCE) for number in range(2000)]
    found = sorted((encode_rows("failures", [row]) for row in rows), key=page_key)
    held = []

    def noticed():
        for encoded in found:
            held.append(tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes())
            yield [encoded]

    tracemalloc.start()
    try:
        assert write_pages("failures", noticed(), io.BytesIO()) == 2000
    finally:
        tracemalloc.stop()
    assert max(held) - held[0] < 600 * len(held)


def test_long_pages_do_not_pile_up_either(monkeypatch):
    sizes = []
    joined = parquet_module._joined
    monkeypatch.setattr(
        parquet_module, "_joined", lambda each: (sizes.append(one.num_rows) or one for one in joined(each))
    )
    monkeypatch.setattr(parquet_module, "_JOINED_ROWS", 20)
    rows = [row for page in range(1, 11) for row in rows_of("lines", page=page)]
    assert read(write_parquet("lines", rows)).num_rows == 80
    assert sizes == [24, 24, 24, 8]


def test_key_of_a_page_sorts_as_the_files_do_and_stands_in_front():
    keys = [
        page_key(encode_rows("failures", [failure_row(pages.failure(name, page), pages.PROVENANCE)])[:1024])
        for name in ("a.pdf", "b.pdf")
        for page in (None, 1, 2, 300)
    ]
    assert len(set(keys)) == 8
    for of_a_document in (keys[:4], keys[4:]):
        assert of_a_document == sorted(of_a_document)
    first, second = (pages.document(name).document_id for name in ("a.pdf", "b.pdf"))
    assert (keys[0] < keys[4]) == (first < second)
    assert page_key(encode_rows("lines", [])) == b""


def test_rows_of_several_pages_are_encoded_one_page_at_a_time():
    with pytest.raises(ValueError, match="one page at a time"):
        encode_rows("lines", rows_of("lines") + rows_of("lines", page=2))


def test_rows_are_sorted_by_document_page_and_place():
    rows = [*rows_of("lines", page=10), *rows_of("lines", page=9), *rows_of("lines", page=10_000)]
    table = read(write_parquet("lines", rows))
    places = list(zip(table["page"].to_pylist(), table["line_index"].to_pylist(), strict=True))
    assert places == sorted(places)


def test_failures_of_the_document_come_before_those_of_its_pages():
    rows = [failure_row(pages.failure("a.pdf", page), pages.PROVENANCE) for page in (2, None, 1)]
    assert read(write_parquet("failures", rows))["page"].to_pylist() == [None, 1, 2]


def test_a_row_that_comes_twice_is_written_once():
    rows = rows_of("lines")
    assert write_parquet("lines", rows + rows[:3]) == write_parquet("lines", rows)


def test_of_two_rows_with_one_id_the_same_is_kept_in_any_order():
    first, second = rows_of("pages")[0], rows_of("pages")[0] | {"rotation_deg": 90}
    one = parquet_from_encoded("pages", [encode_rows("pages", [first]), encode_rows("pages", [second])])
    two = parquet_from_encoded("pages", [encode_rows("pages", [second]), encode_rows("pages", [first])])
    assert one == two
    assert one[1] == 1


def test_neighbouring_ids_are_told_apart():
    rows = rows_of("pages", "a.jpg") + rows_of("pages", "b.jpg")
    assert read(write_parquet("pages", rows)).num_rows == 2


@pytest.mark.parametrize("change", [{"surprise": 1}, {"model": None}])
def test_rows_that_do_not_fit_the_schema_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        encode_rows("pages", [rows_of("pages")[0] | change])


def test_missing_column_is_refused():
    row = rows_of("pages")[0]
    del row["uri"]
    with pytest.raises(ValueError, match="uri"):
        encode_rows("pages", [row])


def test_files_are_compressed_with_zstd_and_hold_no_clock():
    data = write_parquet("lines", rows_of("lines"))
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert data == write_parquet("lines", rows_of("lines"))
