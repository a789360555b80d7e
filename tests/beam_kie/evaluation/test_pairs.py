from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from beam_kie.document import TextLine
from beam_kie.evaluation import evaluate, gold_pages
from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pairs import pairs_on_lines, read_pairs
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import read_labels
from beam_kie.labelled.sources import PictureError, with_pictures
from beam_kie.layoutxlm.inputs.images import page_thumbnail
from tests.labelled_forms import FORM, RuleModel, entry, page_of


def test_pairs_are_found_in_the_picture_alone(labelled, engine):
    gold = gold_pages(read_labels(labelled / "labels.txt", labelled))
    told = []

    score = read_pairs(RuleModel(), engine, gold, labelled, lambda *news: told.append(news)).total

    # "page one" follows the last key, so the rule takes it for a value, on each of the three pages.
    assert score == Score(9, 12, 9)
    assert told == [("pictures", 1, 3), ("pictures", 2, 3), ("pictures", 3, 3)]


def test_only_the_selected_page_of_a_file_is_read(labelled, engine):
    gold = gold_pages(read_labels(labelled / "labels.txt", labelled))

    assert read_pairs(RuleModel(), engine, gold[2:], labelled).total == Score(3, 4, 3)


def test_a_model_of_pictures_gets_the_upright_picture(labelled, engine):
    class ModelWithPictures(RuleModel):
        pictures = "paddleocr"

        def predict(self, pages):
            seen.extend(page.picture for page in pages)
            return super().predict(pages)

    seen = []
    gold = gold_pages(read_labels(labelled / "labels.txt", labelled))[:1]
    expected = page_thumbnail(np.asarray(Image.open(labelled / "form.png")), "paddleocr")

    read_pairs(ModelWithPictures(), engine, gold, labelled)
    evaluate(ModelWithPictures(), with_pictures(gold, labelled, "paddleocr"))

    assert seen == [expected] * 2


class NoEngine:
    name = revision = "none"

    def read(self, images):
        raise AssertionError("nothing to read")


def test_a_page_that_the_file_does_not_have_is_named(labelled):
    gold = gold_pages([FORM, FORM])

    with pytest.raises(PictureError, match=r"form\.png: there is no page 2"):
        read_pairs(RuleModel(), NoEngine(), gold[1:], labelled)


def test_a_picture_that_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "form.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)

    with pytest.raises(PictureError, match=r"form\.png"):
        read_pairs(RuleModel(), NoEngine(), gold_pages([FORM]), tmp_path)


class OptionModel(RuleModel):
    """Takes all options behind a key for one value."""

    def predict(self, pages):
        results = super().predict(pages)
        return [replace(result, relations=result.relations[:1]) for result in results]


def test_lenient_pairs_are_those_of_the_tables_with_their_options_apart():
    (gold,) = gold_pages(
        [
            page_of(
                "a.png",
                entry(1, "Kind:", "QUESTION", 40, 100, [(1, 2), (1, 3)]),
                entry(2, "□ new", "ANSWER", 320, 100),
                entry(3, "☑ used", "ANSWER", 460, 100),
            )
        ]
    )
    lines = (
        TextLine("Kind:", gold.page.lines[0].polygon),
        TextLine("□ new ☑ used", box_polygon((320, 100, 660, 130))),
    )
    read = replace(gold, page=gold.page.with_read_lines(lines))

    scores = pairs_on_lines(OptionModel(), [read])

    assert scores.strict == (Score(0, 1, 2),)
    assert scores.lenient == (Score(2, 2, 2),)
