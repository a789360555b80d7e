"""Counts of documents that were processed."""

from beam_kie.tables.tallies import DocumentTally, PageCounts
from tests import pages

COUNTS = PageCounts.of(
    line_confidences=[0.1, 0.2, None],
    entity_confidences=[0.7, 0.9],
    pair_confidences=[0.35],
    labels=["ANSWER", "QUESTION"],
    keys_without_value=1,
)


def tally(name="form.jpg", pages_ok=(1,), page_count=1, failures=(), skipped=False):
    made = DocumentTally()
    made.add_document(pages.document(name, page_count), skipped)
    for page in pages_ok:
        made.add_page(pages.document(name), page, COUNTS)
    for failure in failures:
        made.add_failure(failure)
    return made
