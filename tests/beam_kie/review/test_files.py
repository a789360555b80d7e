import json
import re

import pytest

from beam_kie.review.files import INDEX, PAGES_IN_CHUNK, chunk_name, page_files, review_files
from beam_kie.review.pages import PageRows, join_pages
from beam_kie.review.pictures import Pictures
from beam_kie.tables.rows import page_tables
from tests import pages, small_runs

SUMMARY = {"run_id": "r", "schema_version": "1.1"}


def rows_of(results, failures=()):
    """All rows of pages as a shard has them."""
    tables = {table: [] for table in ("documents", "pages", "lines", "entities", "key_values", "failures")}
    for result in results:
        for table, rows in page_tables(result, pages.PROVENANCE).items():
            tables[table] += rows
    for document_id, uri in {(r.page.document_id, r.page.uri) for r in results}:
        document = {"document_id": document_id, "uri": uri, "format": "jpeg", "status": "SUCCESS"}
        tables["documents"].append({**document, "page_count": 1, "pages_ok": 1, "result_run_id": None})
    for rows in tables.values():
        rows.sort(key=lambda row: (row["document_id"], row.get("page") or 0))
    return join_pages(tables)


def files_of(results, pictures=Pictures()):  # noqa: B008
    return {file.name: file.data for file in review_files(SUMMARY, rows_of(results), pictures)}


def chunk(files, kind, number=0):
    """What a chunk hands over, as a browser would get it."""
    text = files[chunk_name(kind, number)].decode()
    name, count, content = re.fullmatch(
        r'BeamKieReview\.receive\("(\w+)",(\d+),(.*)\);\n', text, re.DOTALL
    ).groups()
    assert (name, int(count)) == (kind, number)
    return json.loads(content)


def test_index_comes_last_and_loads_only_files_that_are_written():
    names = [file.name for file in review_files(SUMMARY, rows_of([pages.result()]), Pictures())]
    assert names[-1] == INDEX
    html = next(file.data for file in page_files() if file.name == INDEX).decode()
    loaded = re.findall(r'(?:src|href)="(static/[^"]+)"', html)
    assert sorted(loaded) == sorted(name for name in names if name.startswith("static/"))
    assert not re.search(r'(?:src|href)="(?!static/|data:|#)', html)


def test_page_allows_nothing_from_elsewhere():
    html = next(file.data for file in page_files() if file.name == INDEX).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' file:"
    assert "require-trusted-types-for" in rules
    scripts = [file.data.decode() for file in page_files() if file.name.endswith(".js")]
    assert not any(
        re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text) for text in scripts
    )


def test_details_of_a_page_are_all_there():
    files = files_of([pages.result()])
    (details,) = chunk(files, "pages")
    width, height, rotation, source, entities, pairs, lines, fields = details
    assert (width, height, rotation, source) == (1000, 1400, 0, "ocr")
    labels = chunk(files, "run")["labels"]
    assert [(labels[label], text) for _, label, text, _, _ in entities] == [form[:2] for form in pages.FORM]
    assert [tuple(shape) for *_, shape in entities] == [form[2] for form in pages.FORM]
    assert [(key, value) for key, value, *_ in pairs] == [(1, 2), (3, 4), (5, 6), (7, -1)]
    assert pairs[1][4:] == ["date", "2001-02-03", ""]
    assert lines == []  # each is an entity as it stands
    assert fields == []


def test_lists_tell_what_a_document_holds_and_where_it_is_doubtful():
    (document,) = chunk(files_of([pages.result()]), "documents")
    (page,) = document[7]
    confidences = [0.9 * 0.9 * link for *_, link in pages.LINKS]
    number, place, entities, pairs, alone, mean, wrong, least, picture = page
    assert (number, place, entities, pairs, alone, picture) == (1, 0, 8, 3, 1, 0)
    assert mean == pytest.approx(1000 * sum(confidences) / 3, abs=1)
    assert least == pytest.approx(1000 * min(confidences), abs=1)
    assert wrong == pytest.approx(100 * sum(1 - each for each in confidences), abs=1)


def test_text_cannot_leave_its_string():
    result = pages.result(form=small_runs.HOSTILE_FORM, links=[(0, 1, 0.4)])
    files = files_of([result])
    assert not any(b"<" in data for name, data in files.items() if name.startswith("data/"))
    assert chunk(files, "texts")[0][:2] == ["</script><b>Bold?</b>", small_runs.MARKUP]


def test_chunks_hold_as_many_pages_as_they_say_and_none_is_lost():
    results = [pages.result(f"{number}.jpg") for number in range(PAGES_IN_CHUNK + 3)]
    files = files_of(results)
    run = chunk(files, "run")
    assert run["pages"] == run["documents"] == len(results)
    assert [len(chunk(files, "pages", number)) for number in range(run["chunks"]["pages"])] == [
        PAGES_IN_CHUNK,
        3,
    ]
    numbers = [page[1] for document in chunk(files, "documents") for page in document[7]]
    assert numbers == list(range(len(results)))


def test_the_same_tables_have_the_same_review_and_others_another_one():
    ids = [chunk(files_of([pages.result(name)]), "run")["review_id"] for name in ("a.jpg", "a.jpg", "b.jpg")]
    assert ids[0] == ids[1] != ids[2]


def test_clean_pictures_are_used_and_overlays_stand_in():
    place = (pages.document().document_id, 1)
    clean = Pictures(clean=frozenset([place]), overlays=frozenset([place]))
    (document,) = chunk(files_of([pages.result()], clean), "documents")
    assert document[7][0][8:] == [1]
    (document,) = chunk(files_of([pages.result()], Pictures(overlays=frozenset([place]))), "documents")
    kind, width, height, x0, y0, x1, y1 = document[7][0][8:]
    assert kind == 2
    assert 0 < x0 < x1 < width and 0 < y0 < y1 < height


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="no row in documents"):
        list(review_files(SUMMARY, [PageRows("a", 1, {})], Pictures()))
    broken = list(rows_of([pages.result()]))
    broken[1].rows["entities"].pop(1)
    with pytest.raises(ValueError, match="entity that is not there"):
        list(review_files(SUMMARY, broken, Pictures()))
