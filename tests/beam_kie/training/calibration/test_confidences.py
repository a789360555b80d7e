import copy
import dataclasses

import numpy as np
import pytest

from beam_kie.document import Entity, LineSpan, PageResult, Relation, TextLine
from beam_kie.evaluation import gold_pages
from beam_kie.geometry import box_polygon
from beam_kie.labelled.alignment import KEYS_AND_VALUES
from beam_kie.labelled.formats import LabelledEntry, LabelledPage
from beam_kie.layoutxlm.config import Calibration
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.calibration.confidences import GOLD, OCR, gold_on_ocr_lines, measure_confidences
from tests.small_networks import BUNDLED_KIND, character_tokenizer, small_network


def entry(number, text, label, box, links=()):
    return LabelledEntry(number, text, label, tuple(map(float, box_polygon(box))), tuple(links))


FORM = LabelledPage(
    "form.png",
    1000,
    1000,
    (
        entry(1, "Name:", "QUESTION", (50, 100, 150, 120), [(1, 2)]),
        entry(2, "Lee Green", "ANSWER", (160, 100, 300, 120)),
        entry(3, "Address", "QUESTION", (50, 200, 150, 220), [(3, 4)]),
        entry(4, "1 High Street Newtown", "ANSWER", (200, 200, 400, 250)),
        entry(5, "page one", "OTHER", (50, 900, 150, 920)),
        entry(6, "Phone", "QUESTION", (50, 600, 150, 620), [(6, 7)]),
        entry(7, "12", "ANSWER", (200, 600, 400, 620)),
    ),
)


def line(text, *box):
    return TextLine(text, box_polygon(box))


READ = (
    line("Narne: Lee Green", 50, 100, 300, 120),
    line("Address", 50, 200, 150, 220),
    line("1 High Street", 200, 200, 400, 222),
    line("Newtown", 200, 228, 330, 250),
    line("page one", 50, 900, 150, 920),
    line("Phone", 50, 600, 150, 620),
)


def read_gold():
    (gold,) = gold_pages([FORM])
    return gold_on_ocr_lines(FORM, gold, READ, KEYS_AND_VALUES)


def test_gold_entities_lie_on_the_lines_that_ocr_read():
    gold = read_gold()

    found = {(entity.label, entity.text) for entity in gold.entities}
    assert found == {
        ("QUESTION", "Narne:"),
        ("ANSWER", "Lee Green"),
        ("QUESTION", "Address"),
        ("ANSWER", "1 High Street Newtown"),
        ("QUESTION", "Phone"),
    }
    assert set(gold.text_pairs) == {("Narne:", "Lee Green"), ("Address", "1 High Street Newtown")}
    assert [line.text for line in gold.page.lines][:2] == ["Narne: Lee Green", "Address"]
    assert (gold.page.text_source, gold.page.width_px, gold.page.whole_lines) == ("ocr", 1000, False)


class FixedModel:
    """Finds what is given to it, with confidences that show the temperature."""

    pictures = None

    def __init__(self, entities, relations):
        self.calibration = Calibration(entity_temperature=1.5, entity_calibration=((0, 0), (1, 0.1)))
        self.entities, self.relations = entities, relations

    def with_config(self, *, calibration):
        changed = copy.copy(self)
        changed.calibration = calibration
        return changed

    def encode(self, pages):
        return pages

    def decide(self, pages):
        return [self._result(page, self.entities, self.relations) for page in pages]

    def relate_encoded(self, pages, entities):
        # Every first entity is the key of the second one.
        return [self._result(page, given, [(0, 1, 0.8)]) for page, given in zip(pages, entities, strict=True)]

    def _result(self, page, entities, relations):
        assert not (self.calibration.entity_calibration or self.calibration.relation_calibration)
        entities = tuple(
            dataclasses.replace(e, confidence=e.confidence / self.calibration.entity_temperature)
            for e in entities
        )
        cool = self.calibration.relation_temperature
        return PageResult(page, entities, tuple(Relation(a, b, 0.0, link / cool) for a, b, link in relations))


def found(label, confidence, *spans):
    return Entity(label, "", (0.0,) * 8, confidence, tuple(LineSpan(*span) for span in spans))


def test_findings_are_right_by_label_characters_and_links():
    entities = (
        found("QUESTION", 0.9, (0, 0, 6)),  # "Narne:"
        found("ANSWER", 0.8, (0, 6, 16)),  # " Lee Green": white space does not count
        found("ANSWER", 0.7, (1, 0, 7)),  # "Address" is a key
        found("ANSWER", 0.6, (3, 0, 7), (2, 0, 13)),  # the order of the lines does not count
        found("ANSWER", 0.5, (2, 0, 13)),  # half of it
    )
    model = FixedModel(entities, [(0, 1, 0.9), (0, 3, 0.8), (2, 3, 0.7)])

    (page,) = measure_confidences(model, {("shop", OCR): [read_gold()]}, (1.0, 2.0))

    assert (page.source, page.lines, page.name) == ("shop", OCR, "form.png")
    assert page.entity_right.tolist() == [True, True, False, True, False]
    np.testing.assert_allclose(page.entities, [[0.9, 0.8, 0.7, 0.6, 0.5], [0.45, 0.4, 0.35, 0.3, 0.25]])
    assert (page.keys.tolist(), page.values.tolist()) == ([0, 0, 2], [1, 3, 3])
    assert page.relation_right.tolist() == [True, False, False]
    np.testing.assert_allclose(page.links, [[0.9, 0.8, 0.7], [0.45, 0.4, 0.35]])
    assert page.given_right.tolist() == [True]
    np.testing.assert_allclose(page.given_links, [[0.8], [0.4]])


def test_a_linked_pair_with_a_wrong_end_is_wrong():
    model = FixedModel((found("QUESTION", 0.9, (0, 0, 6)), found("HEADER", 0.8, (0, 6, 16))), [(0, 1, 0.9)])

    (page,) = measure_confidences(model, {("shop", OCR): [read_gold()]}, (1.0,))

    assert (page.entity_right.tolist(), page.relation_right.tolist()) == ([True, False], [False])


def test_what_a_network_finds_is_measured_as_it_computes_it():
    network = small_network(7, **BUNDLED_KIND)
    plain = KieModel(network, character_tokenizer())
    (gold,) = gold_pages([FORM])
    (result,) = plain.predict([gold.page])
    (given,) = plain.relate([gold.page], [gold.entities])
    tables = {"entity_calibration": ((0, 0), (1, 0.5)), "relation_calibration": ((0, 0), (1, 0.2))}
    model = plain.with_config(calibration=Calibration(entity_temperature=3.0, **tables))

    (page,) = measure_confidences(model, {("shop", GOLD): [gold]}, (1.0, 2.0))

    assert len(result.entities) > 3 and len(result.relations) > 1 and given.relations
    np.testing.assert_allclose(page.entities[0], [entity.confidence for entity in result.entities])
    np.testing.assert_allclose(page.links[0], [relation.link_confidence for relation in result.relations])
    np.testing.assert_allclose(page.given_links[0], [relation.confidence for relation in given.relations])
    assert (page.entities[1] < page.entities[0]).mean() > 0.9
    whole = page.entities[0][page.keys] * page.entities[0][page.values] * page.links[0]
    np.testing.assert_allclose(whole, [relation.confidence for relation in result.relations])


def test_a_tie_that_falls_the_other_way_keeps_its_confidence():
    class Fickle(FixedModel):
        def decide(self, pages):
            if self.calibration.entity_temperature == 2.0:
                return [PageResult(page) for page in pages]
            return super().decide(pages)

    model = Fickle((found("QUESTION", 0.9, (0, 0, 6)), found("ANSWER", 0.8, (0, 6, 16))), [(0, 1, 0.6)])

    (page,) = measure_confidences(model, {("shop", OCR): [read_gold()]}, (1.0, 2.0))

    assert page.entities.tolist() == [[0.9, 0.8]] * 2
    assert page.links.tolist() == [[0.6]] * 2


@pytest.mark.parametrize("pages", [{}, {("shop", GOLD): []}])
def test_no_pages_give_no_results(pages):
    assert measure_confidences(FixedModel((), ()), pages, (1.0,)) == []
