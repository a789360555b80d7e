import io

import pyarrow.parquet as pq
import pytest
from apache_beam.pvalue import TaggedOutput

from beam_kie.document import Entity, PageResult
from beam_kie.tables import parquet
from beam_kie.tables.parquet import encode_rows
from beam_kie.tables.rows import page_tables
from tests import pages
from transforms.config import JobConfig
from transforms.runs import paths
from transforms.sinks.tables import FACTS, FAILURES, MakeRowsFn, place_rows, shard_of, write_table_files


def outputs_of(result):
    """What MakeRowsFn yields, by tag; rows are untagged."""
    by_tag = {None: [], FACTS: [], FAILURES: []}
    for output in MakeRowsFn(4, pages.PROVENANCE).process(result):
        if isinstance(output, TaggedOutput):
            by_tag[output.tag].append(output.value)
        else:
            by_tag[None].append(output)
    return by_tag


def test_shard_depends_on_the_document_alone_and_all_are_used():
    ids = [pages.document(f"{number}.jpg").document_id for number in range(200)]
    assert {shard_of(each, 8) for each in ids} == set(range(8))
    # Python's own hash() differs from process to process; this number must not.
    assert shard_of("a" * 32, 8) == 7


def test_page_yields_rows_for_every_table_that_it_has_any_in():
    made = outputs_of(pages.result())
    places = dict(made[None])
    shard = shard_of(pages.document().document_id, 4)
    assert set(places) == {(table, shard) for table in ("pages", "lines", "entities", "key_values")}
    assert len(made[FACTS]) == 1 and not made[FAILURES]
    empty = outputs_of(pages.result(form=[], links=[]))
    assert [table for (table, _), _ in empty[None]] == ["pages"]


def test_page_that_fails_yields_nothing_but_its_failure():
    odd = Entity("ANSWER", "secret", (0, 0, 1, 1, 1, 1), float("nan"), ())
    made = outputs_of(PageResult(pages.page_text(), (odd,)))
    assert not made[None] and not made[FACTS]
    (failure,) = made[FAILURES]
    assert (failure.page, failure.stage.value, failure.category.value) == (1, "MODEL", "MODEL_FAILED")
    assert "secret" not in failure.message


def test_shuffled_rows_are_small():
    # 720 lines with long ids and URIs.
    rows = page_tables(pages.result(form=pages.FORM * 90, links=[]), pages.PROVENANCE)["lines"]
    _, data = place_rows("lines", pages.document().document_id, rows, 4)
    assert len(data) < 20_000


@pytest.mark.parametrize("count", [0, 1])
def test_file_of_a_table_is_written_where_the_layout_says(tmp_path, count):
    config = JobConfig(output=str(tmp_path), run_id="a", num_shards=3)
    rows = page_tables(pages.result(), pages.PROVENANCE)["pages"][:count]
    (file,) = write_table_files((("pages", 2), iter([encode_rows("pages", rows)])), config)
    assert file == ("pages", paths.table_path(str(tmp_path), "pages", "a", 2, 3), count)
    with open(file.path, "rb") as stream:
        assert pq.read_table(io.BytesIO(stream.read())).num_rows == count


def test_a_large_shard_becomes_several_files_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet.write_files, "__defaults__", (2, 2**20))
    config = JobConfig(output=str(tmp_path), run_id="a", num_shards=1)
    results = [pages.result(name, page) for name in ("a.pdf", "b.pdf") for page in (3, 1, 2)]
    encoded = [encode_rows("pages", page_tables(each, pages.PROVENANCE)["pages"]) for each in results]
    files = write_table_files((("pages", 0), iter(encoded)), config)
    assert [file.rows for file in files] == [2, 2, 2]
    assert sorted((file.path for file in files), key=paths.place_of_table_file) == [
        file.path for file in files
    ]
    rows = [row["page_id"] for file in files for row in pq.ParquetFile(file.path).read().to_pylist()]
    assert len(rows) == 6 and rows == sorted(rows)
