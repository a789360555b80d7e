import pytest

from beam_kie.review.pages import join_pages


def rows(*places, **more):
    return [{"document_id": document, "page": page, **more} for document, page in places]


def test_rows_of_a_page_come_together_and_those_of_the_whole_document_first():
    tables = {
        "documents": [{"document_id": "a"}, {"document_id": "b"}],
        "pages": rows(("a", 1), ("a", 2), ("b", 1)),
        "lines": rows(("a", 2), ("a", 2)),
        "failures": [{"document_id": "a", "page": None}, *rows(("b", 2))],
    }
    found = [
        (page.document_id, page.page, {t: len(r) for t, r in page.rows.items()})
        for page in join_pages(tables)
    ]
    assert found == [
        ("a", 0, {"documents": 1, "failures": 1}),
        ("a", 1, {"pages": 1}),
        ("a", 2, {"pages": 1, "lines": 2}),
        ("b", 0, {"documents": 1}),
        ("b", 1, {"pages": 1}),
        ("b", 2, {"failures": 1}),
    ]


def test_no_more_is_read_than_is_asked_for():
    read = []

    def stream():
        for number in range(1000):
            read.append(number)
            yield {"document_id": f"{number:04d}", "page": 1}

    next(join_pages({"pages": stream()}))
    assert len(read) < 5


def test_rows_out_of_order_are_refused():
    with pytest.raises(ValueError, match="lines are not sorted"):
        list(join_pages({"lines": rows(("b", 1), ("a", 1))}))
