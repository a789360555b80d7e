import itertools

from beam_kie.document import Category, Document, Stage
from beam_kie.tables.tallies import Confidences, DocumentTally
from tests import pages
from tests.tallies import COUNTS, tally


def test_means_are_exact_whatever_the_order():
    parts = [Confidences.of([value]) for value in (0.1, 0.2, 0.3, 1 / 3)]
    sums = {sum(order, Confidences()) for order in itertools.permutations(parts)}
    assert len(sums) == 1
    assert sums.pop().mean == 0.2333


def test_findings_without_confidence_are_counted_but_not_averaged():
    assert COUNTS.lines.count == 3
    assert COUNTS.lines.mean == 0.15
    assert Confidences.of([None]).mean is None


def test_status_of_a_document():
    overlay = pages.failure("form.jpg", 1, Stage.OVERLAY, Category.OVERLAY_FAILED)
    expected = [
        (tally(), "SUCCESS"),
        (tally(failures=[overlay]), "PARTIAL"),
        (tally(page_count=2, failures=[pages.failure("form.jpg", 2)]), "PARTIAL"),
        (tally(page_count=5, failures=[pages.failure("form.jpg")]), "PARTIAL"),
        (tally(page_count=2), "PARTIAL"),
        (tally(pages_ok=(), failures=[pages.failure("form.jpg", 1)]), "FAILURE"),
        (tally(pages_ok=(), failures=[pages.failure("form.jpg")]), "FAILURE"),
        (tally(pages_ok=()), "FAILURE"),
        (tally(pages_ok=(), skipped=True), "SKIPPED"),
    ]
    assert [made.status.value for made, _ in expected] == [status for _, status in expected]


def test_page_without_its_picture_came_through():
    made = tally(failures=[pages.failure("form.jpg", 1, Stage.OVERLAY, Category.OVERLAY_FAILED)])
    assert (made.pages_ok, made.pages_failed, made.pages_not_read) == (1, 0, 0)


def test_repeated_facts_count_once():
    once = tally(page_count=2, failures=[pages.failure("form.jpg", 2)])
    twice = tally(page_count=2, failures=[pages.failure("form.jpg", 2)] * 2)
    twice.add_document(once.document)
    twice.add_page(once.document, 1, once.pages[1])
    assert twice == once
    assert (twice.pages_ok, twice.pages_failed, twice.counts.entities.count) == (1, 1, 2)


def test_the_fuller_description_of_a_document_wins_in_any_order():
    full, poor = pages.document(), Document(pages.document().document_id, pages.document().uri)
    for order in itertools.permutations([full, poor, poor]):
        made = DocumentTally()
        for document in order:
            made.add_document(document)
        made.add_failure(pages.failure("form.jpg", 1))
        assert made.document == full


def test_pages_alone_name_their_document():
    made = DocumentTally()
    made.add_page(Document("d", "uri"), 1, COUNTS)
    assert made.document.uri == "uri"
