import pytest

from beam_kie.document import Entity, LineSpan, PageResult
from beam_kie.evaluation import evaluate, gold_pages
from beam_kie.evaluation.metrics import Score
from beam_kie.labelled.formats import LabelledPage
from tests.labelled_forms import FORM, LABELS, PAIRS, AnnotatedModel, entry

SCORES = ["ser", "re", "ser_paddleocr", "re_paddleocr", "pairs_gold_lines"]


def test_perfect_model_scores_one():
    report = evaluate(AnnotatedModel(LABELS, PAIRS), gold_pages([FORM] * 3))

    figures = report.as_dict()
    assert figures.pop("documents") == 3
    assert figures.pop("pairs_from_image") is None
    assert figures == {name: {"precision": 1.0, "recall": 1.0, "f1": 1.0} for name in SCORES}


def test_every_figure_counts_its_own_mistakes():
    # The model takes the header for a key and the small print for a value, and links one pair wrongly.
    labels = {**LABELS, "Registration": "QUESTION", "page one": "ANSWER"}
    pairs = {("Name:", "Lee Green"), ("Name:", "Chess"), ("Hobbies:", "page one")}

    report = evaluate(AnnotatedModel(labels, pairs), gold_pages([FORM]))

    assert report.ser == Score(5, 7, 6)
    assert report.ser_by_label == {
        "ANSWER": Score(3, 4, 3),
        "HEADER": Score(0, 0, 1),
        "QUESTION": Score(2, 3, 2),
    }
    assert report.ser_paddleocr == Score(5, 7, 6)
    assert report.re == report.re_paddleocr == Score(1, 2, 3)
    assert report.pairs_gold_lines == Score(1, 3, 3)


def test_a_pair_on_gold_lines_needs_both_entities():
    labels = {text: label for text, label in LABELS.items() if text != "Chess"}

    report = evaluate(AnnotatedModel(labels, PAIRS), gold_pages([FORM]))

    assert report.re == Score(3, 3, 3)
    assert report.pairs_gold_lines == Score(2, 2, 3)


class FixedModel(AnnotatedModel):
    """Finds one entity on every page: the given characters of line 0."""

    def __init__(self, start, end):
        super().__init__({}, set())
        self.span = LineSpan(0, start, end)

    def predict(self, pages):
        entity = Entity("QUESTION", "", (0.0,) * 8, 1.0, (self.span,))
        return [PageResult(page, (entity,)) for page in pages]


@pytest.mark.parametrize(("start", "end", "right"), [(0, 7, 1), (1, 6, 1), (1, 5, 0), (2, 7, 0)])
def test_white_space_around_an_entity_does_not_count_but_a_missing_letter_does(start, end, right):
    page = LabelledPage("p", 900, 500, (entry(1, " Name: ", "QUESTION", 40, 100),))

    assert evaluate(FixedModel(start, end), gold_pages([page])).ser == Score(right, 1, 1)


def long_page(lengths):
    """A question and an answer per row, of the given numbers of characters."""
    entries = []
    for row, (key, value) in enumerate(lengths):
        a, b = 2 * row, 2 * row + 1
        entries.append(entry(a, f"{row}" * key, "QUESTION", 40, 50 * row, [(a, b)]))
        entries.append(entry(b, chr(65 + row) * value, "ANSWER", 320, 50 * row, [(a, b)]))
    return LabelledPage("long.png", 900, 2000, tuple(entries))


def knows_all(page):
    texts = {e.id: e.text for e in page.entries}
    pairs = {(texts[a], texts[b]) for a, b in page.relations()}
    return AnnotatedModel({e.text: e.label for e in page.entries}, pairs)


def test_paddleocr_counts_the_first_512_tokens_only():
    # Ends of the lines in tokens: 100, 200 | 400, 511 | 600, 700.
    page = long_page([(100, 100), (200, 111), (89, 100)])
    model = knows_all(page)
    model.label_of_text["C" * 100] = "HEADER"

    report = evaluate(model, gold_pages([page]))

    assert report.ser == Score(5, 6, 6)
    assert report.ser_paddleocr == Score(5, 5, 5)
    assert report.re == Score(3, 3, 3)
    assert report.re_paddleocr == Score(2, 2, 2)
    assert [["0" * 100, "A" * 100, "1" * 200, "B" * 111]] in model.asked


def test_paddleocr_leaves_out_an_entity_that_ends_at_the_512th_token():
    page = long_page([(100, 100), (200, 112)])

    report = evaluate(knows_all(page), gold_pages([page]))

    assert report.ser_paddleocr == Score(4, 4, 4)
    assert report.re_paddleocr == Score(1, 1, 1)


def test_progress_reaches_every_page():
    told = []

    evaluate(AnnotatedModel({}, set()), gold_pages([FORM] * 40), lambda *news: told.append(news))

    assert told == [("gold lines", 32, 40), ("gold lines", 40, 40)]
