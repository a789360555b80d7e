import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from beam_kie.document import Category, Entity, LineSpan, PageResult, Relation, Stage, TextLine
from beam_kie.tables.conventions import ValueOptions
from beam_kie.tables.parquet import encode_rows
from beam_kie.tables.rows import document_row, failure_id, failure_row, page_tables
from beam_kie.tables.schema import ROW_ID, SCHEMAS
from beam_kie.tables.tallies import DocumentTally, PageCounts
from tests import pages


def tables_of(result=None):
    return page_tables(result or pages.result(), pages.PROVENANCE)


def tally_of(document, *counts, failures=()):
    tally = DocumentTally()
    tally.add_document(document)
    for page, count in enumerate(counts, 1):
        tally.add_page(document, page, count)
    for failure in failures:
        tally.add_failure(failure)
    return tally


def test_rows_fit_their_schemas():
    tables = tables_of()
    tables["failures"] = [failure_row(pages.failure("a.jpg"), pages.PROVENANCE)]
    tables["documents"] = [document_row(tally_of(pages.document(), PageCounts()), pages.PROVENANCE)]
    assert tables.keys() == SCHEMAS.keys()
    for table, rows in tables.items():
        assert encode_rows(table, rows)


def test_page_row_counts_what_the_other_tables_hold():
    tables = tables_of()
    (page,) = tables["pages"]
    assert page["page_id"] == f"{pages.document().document_id}-p0001"
    assert (
        (page["line_count"], page["entity_count"])
        == (len(tables["lines"]), len(tables["entities"]))
        == (8, 8)
    )
    assert (page["pair_count"], page["key_without_value_count"]) == (3, 1)
    assert page["mean_line_confidence"] == 0.95
    # 0.729, 0.648 and 0.567
    assert page["mean_pair_confidence"] == pytest.approx(0.648)


def test_pairs_point_at_entities_and_entities_at_lines():
    tables = tables_of()
    entities = {row["entity_id"]: row for row in tables["entities"]}
    lines = {row["line_id"]: row for row in tables["lines"]}
    for pair in tables["key_values"][:3]:
        assert entities[pair["key_entity_id"]]["text"] == pair["key_text"]
        assert entities[pair["value_entity_id"]]["text"] == pair["value_text"]
        assert entities[pair["value_entity_id"]]["polygon"] == pair["value_polygon"]
    for entity in entities.values():
        assert lines[entity["first_line_id"]]["text"] == entity["text"]


def test_key_without_value_has_null_in_all_columns_of_the_value():
    *_, alone = tables_of()["key_values"]
    assert alone["key_text"] == "備考"
    of_value = [name for name in alone if name.startswith("value_")]
    assert len(of_value) == 15
    assert {alone[name] for name in [*of_value, "relation_confidence"]} == {None}
    assert alone["confidence"] == alone["key_confidence"] == 0.9


def test_plain_values_are_normalised_beside_their_text():
    name, date, fee, _ = tables_of()["key_values"]
    assert (name["value_type"], name["value_normalised"]) == (None, None)
    assert (date["value_type"], date["value_normalised"]) == ("date", "2001-02-03")
    assert (fee["value_text"], fee["value_normalised"], fee["value_currency"]) == (
        "1.234,50 €",
        "1234.50",
        "EUR",
    )


def test_values_are_read_with_their_key_and_page():
    corners = (0, 0, 9, 0, 9, 9, 0, 9)
    entities = (
        Entity("QUESTION", "Phone", corners, 0.9, ()),
        Entity("ANSWER", "5551234", corners, 0.9, ()),
        Entity("QUESTION", "Due", corners, 0.9, ()),
        Entity("ANSWER", "03/04/2021", corners, 0.9, ()),
    )
    found = []
    for line in ("a page", "25/03/2021"):
        page = pages.page_text(lines=(TextLine(line, corners),))
        rows = tables_of(PageResult(page, entities, (Relation(0, 1, 0.5), Relation(2, 3, 0.5))))["key_values"]
        found.append([(row["value_normalised"], row["value_null_reason"]) for row in rows])
    assert found == [
        [(None, "identifier"), (None, "date_order")],
        [(None, "identifier"), ("2021-04-03", None)],
    ]


def test_every_row_of_a_page_names_it():
    tables = tables_of()
    (page,) = tables["pages"]
    for rows in tables.values():
        assert {row["page_id"] for row in rows} == {page["page_id"]}
    for number, expected in ((1, page["page_id"]), (None, None)):
        assert failure_row(pages.failure("form.jpg", number), pages.PROVENANCE)["page_id"] == expected


def test_pairs_say_how_well_their_lines_were_read():
    corners = (0, 0, 9, 0, 9, 9, 0, 9)
    lines = [TextLine("x", corners, confidence) for confidence in (0.9, 0.6, None, 0.75)]
    key = Entity("QUESTION", "q", corners, 0.9, (LineSpan(0, 0, 1), LineSpan(1, 0, 1)))
    value = Entity("ANSWER", "a", corners, 0.9, (LineSpan(1, 0, 1), LineSpan(2, 0, 1), LineSpan(3, 0, 1)))
    unread = Entity("QUESTION", "q", corners, 0.9, (LineSpan(2, 0, 1),))
    page = pages.page_text(lines=tuple(lines))
    rows = tables_of(PageResult(page, (key, value, unread), (Relation(0, 1, 0.5),)))["key_values"]
    found = [(row["ocr_confidence_min"], row["ocr_confidence_mean"]) for row in rows]
    assert found == [(0.6, 0.75), (None, None)]


def test_ambiguous_values_have_their_readings_until_options_decide():
    corners = (0, 0, 9, 0, 9, 9, 0, 9)
    texts = ("Due:", "03/04/2021", "Sum", "$5", "Qty", "5")
    entities = tuple(Entity("QUESTION", text, corners, 0.9, ()) for text in texts)
    result = PageResult(pages.page_text(), entities, tuple(Relation(n, n + 1, 0.5) for n in (0, 2, 4)))

    def found(**options):
        rows = page_tables(result, pages.PROVENANCE, options=ValueOptions(**options))["key_values"]
        wanted = ("value_normalised", "value_readings", "value_currency", "value_currency_readings")
        due, total, quantity = ([row[name] for name in wanted] for row in rows if row["value_text"])
        assert quantity == ["5", None, None, None]
        return due, total

    due, total = found()
    assert due == [None, ["2021-04-03", "2021-03-04"], None, None]
    assert total[:3] == ["5", None, None] and {"USD", "CAD"} < set(total[3])
    assert found(date_order="mdy", currency="CAD") == (
        ["2021-03-04", None, None, None],
        ["5", None, "CAD", None],
    )


def test_equal_entities_keep_their_own_ids():
    twin = Entity("ANSWER", "yes", (0, 0, 9, 0, 9, 9, 0, 9), 0.9, ())
    key = Entity("QUESTION", "q", (0, 0, 9, 0, 9, 9, 0, 9), 0.9, ())
    result = PageResult(
        pages.page_text(), (key, twin, replace(twin)), (Relation(0, 1, 0.5), Relation(0, 2, 0.5))
    )
    values = [row["value_entity_id"][-5:] for row in tables_of(result)["key_values"]]
    assert values == ["e0001", "e0002"]


def test_empty_text_and_unmeasured_confidence_are_null():
    line = TextLine("", (0, 0, 1, 0, 1, 1, 0, 1))
    odd = replace(line, text="x", confidence=float("nan"))
    rows = tables_of(PageResult(pages.page_text(lines=(line, odd))))["lines"]
    assert [(row["text"], row["confidence"]) for row in rows] == [(None, None), ("x", None)]


def test_tiny_differences_of_arithmetic_do_not_show():
    def nudged(step):
        result = pages.result(links=[(1, 2, 0.75 + step)])
        entities = tuple(
            replace(e, confidence=0.5 + step, polygon=tuple(v + step for v in e.polygon))
            for e in result.entities
        )
        return tables_of(PageResult(result.page, entities, result.relations))

    assert nudged(1e-6) == nudged(0.0)
    assert nudged(1e-2) != nudged(0.0)


def test_text_that_no_ocr_read_names_no_ocr_engine():
    (page,) = tables_of(pages.result(text_source="pdf"))["pages"]
    assert (page["text_source"], page["ocr_engine"], page["ocr_revision"]) == ("pdf", None, None)


def test_lines_of_a_page_from_two_sources_say_which():
    first, *others = pages.result().page.lines
    lines = (replace(first, confidence=None), *others)
    tables = tables_of(pages.result(text_source="mixed", lines=lines))
    assert [row["text_source"] for row in tables["lines"]] == ["pdf"] + ["ocr"] * len(others)
    assert [row["ocr_engine"] is None for row in tables["lines"]] == [True] + [False] * len(others)
    assert {row["text_source"] for name in ("pages", "entities") for row in tables[name]} == {"mixed"}
    assert tables["pages"][0]["ocr_engine"] is not None
    (page,) = tables_of()["pages"]
    assert (page["ocr_engine"], page["model"]) == ("rapidocr", "bundled")


def test_empty_page_is_a_row_of_its_own():
    tables = tables_of(pages.result(form=[], links=[]))
    assert tables["pages"][0]["mean_entity_confidence"] is None
    assert {table for table, rows in tables.items() if rows} == {"pages"}


def test_document_row_knows_source_and_counts():
    one = PageCounts.of(
        line_confidences=[0.5, None],
        entity_confidences=[1.0],
        pair_confidences=[],
        labels=["X"],
        keys_without_value=1,
    )
    row = document_row(
        tally_of(pages.document(pages=3), one, one, failures=[pages.failure("form.jpg", 3)]), pages.PROVENANCE
    )
    assert row["status"] == "PARTIAL"
    assert (row["page_count"], row["pages_ok"], row["pages_failed"], row["failure_count"]) == (3, 2, 1, 1)
    assert (row["line_count"], row["entity_count"], row["key_without_value_count"]) == (4, 2, 2)
    assert (row["mean_line_confidence"], row["mean_pair_confidence"]) == (0.5, None)
    assert row["source_updated_at"] == datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)


def test_skipped_document_names_the_run_that_holds_its_rows():
    document = replace(pages.document(), source_version="17", result_run_id="earlier")
    tally = DocumentTally()
    tally.add_document(document, skipped=True)
    row = document_row(tally, pages.PROVENANCE)
    assert (row["status"], row["source_version"], row["result_run_id"]) == ("SKIPPED", "17", "earlier")
    assert (row["pages_ok"], row["failure_count"], row["retryable_failure_count"]) == (0, 0, 0)
    assert document_row(tally_of(document, PageCounts()), pages.PROVENANCE)["result_run_id"] is None


def test_document_that_could_not_be_read_is_known_by_its_failure():
    failure = pages.failure("gone.jpg", stage=Stage.READ, category=Category.SOURCE_UNAVAILABLE)
    tally = DocumentTally()
    tally.add_failure(failure)
    assert document_row(tally, pages.PROVENANCE)["retryable_failure_count"] == 0
    tally.add_failure(replace(failure, retryable=True))
    row = document_row(tally, pages.PROVENANCE)
    assert (row["failure_count"], row["retryable_failure_count"]) == (1, 1)
    assert (row["uri"], row["status"]) == ("gs://scans/gone.jpg", "FAILURE")
    assert {row[name] for name in ("content_sha256", "format", "page_count", "source_updated_at")} == {None}


def test_failures_of_one_page_in_two_stages_have_two_ids():
    ids = {
        failure_id(pages.failure("a", page, stage, category))
        for page in (None, 1)
        for stage in (Stage.OCR, Stage.OVERLAY)
        for category in (Category.OCR_FAILED, Category.OUT_OF_MEMORY)
    }
    assert len(ids) == 8


def test_ids_depend_on_nothing_but_the_page():
    # A change here changes the ids that users may have stored: raise the schema version.
    ids = [rows[0][ROW_ID[table]] for table, rows in tables_of().items()]
    document = hashlib.sha256(b"gs://scans/form.jpg\nform.jpg").hexdigest()[:32]
    assert ids == [f"{document}-p0001{end}" for end in ("", "-l0000", "-e0000", "-k0000")]


def test_a_value_without_a_key_has_a_row_in_reading_order():
    result = pages.result(links=[])
    (index,) = [i for i, entity in enumerate(result.entities) if entity.text == "李雷"]
    tables = tables_of(replace(result, keyless=(index,)))
    rows = tables["key_values"]
    assert [row["pair_index"] for row in rows] == list(range(len(rows)))
    (row,) = [row for row in rows if row["key_entity_id"] is None]
    assert 0 < row["pair_index"] < len(rows) - 1
    assert (row["value_text"], row["value_label"], row["key_text"], row["key_x0"]) == (
        "李雷",
        "ANSWER",
        None,
        None,
    )
    assert row["confidence"] == row["value_confidence"] and row["relation_confidence"] is None
    assert row["value_entity_id"] == tables["entities"][index]["entity_id"]
    assert tables["pages"][0]["pair_count"] == 1
    assert encode_rows("key_values", rows)


def test_a_ticked_option_says_so_and_its_row_is_no_surer_than_that():
    found = pages.result()
    links = {relation.tail for relation in found.relations}
    ticked = replace(
        found,
        entities=tuple(
            replace(entity, selected=True, selected_confidence=0.4) if index in links else entity
            for index, entity in enumerate(found.entities)
        ),
    )
    tables = tables_of(ticked)
    pairs = [row for row in tables["key_values"] if row["value_text"]]
    assert {(row["selected"], row["selected_confidence"], row["confidence"]) for row in pairs} == {
        (True, 0.4, 0.4)
    }
    assert {row["selected"] for row in tables["entities"]} == {True, None}
    assert [row["selected"] for row in tables["key_values"] if not row["value_text"]] == [None]


def test_a_filled_ring_is_no_bullet_where_its_state_is_known():
    form = [("QUESTION", "Smoker?", (0, 0, 90, 20)), ("ANSWER", "● Yes", (100, 0, 190, 20))]
    found = pages.result(form=form, links=[(0, 1, 0.9)])
    option = replace(found.entities[1], selected=True, selected_confidence=0.9)
    (row,) = tables_of(replace(found, entities=(found.entities[0], option)))["key_values"]
    assert (row["value_text"], row["value_type"], row["value_normalised"]) == ("● Yes", "option", "Yes")
    (row,) = tables_of(found)["key_values"]
    assert row["value_normalised"] is None
