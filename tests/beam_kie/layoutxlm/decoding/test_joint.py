"""Labels and links decided together: what changes gain, and which are made."""

import dataclasses

import numpy as np
import pytest

from beam_kie.evaluation.pairs import read_pairs
from beam_kie.labelled.formats import read_labels
from beam_kie.labelled.gold import gold_pages
from beam_kie.layoutxlm.decoding.joint import Evidence, _link_gains, flip
from beam_kie.layoutxlm.model import KieModel
from beam_kie.ocr import OcrOptions, create_engine
from model_store.references import bundled
from tests.small_networks import BUNDLED_KIND, character_tokenizer, page, small_network

KEY, VALUE, HEADER, OTHER = range(4)
NEVER = -1e9


def linked(scores, labels):
    """The log probability of the best links, without any shortcut."""
    total = 0.0
    keys = np.flatnonzero(labels == KEY)
    for value in np.flatnonzero(labels == VALUE):
        choices = np.append(scores[value, keys], scores[value, -1])
        total += choices.max() - np.logaddexp.reduce(choices)
    return total


def random_scores(count, seed):
    scores = np.random.default_rng(seed).normal(0, 3, (count, count + 1))
    np.fill_diagonal(scores, NEVER)
    return scores


@pytest.mark.parametrize("seed", range(5))
def test_gains_are_those_of_computing_all_links_anew(seed):
    labels = np.random.default_rng(seed + 100).integers(0, 4, 9)
    scores = random_scores(9, seed)
    gains = _link_gains(scores, labels, KEY, VALUE, 4)
    for entity in range(9):
        for label in set(range(4)) - {labels[entity]}:
            changed = labels.copy()
            changed[entity] = label
            expected = linked(scores, changed) - linked(scores, labels)
            assert gains[entity, label] == pytest.approx(expected, abs=1e-6)


def evidence(probabilities, scores):
    logs = np.log(np.array(probabilities))
    return Evidence(logs, np.array(scores, dtype=float), logs > np.log(0.05))


# The value (second) hesitates between another key (third) and none, and would rather have the first line.
WANTED = [[NEVER, 0, 0, 0], [3, NEVER, 0, 0], [0, 0, NEVER, 0]]
SURE = [0.02, 0.94, 0.02, 0.02]
A_KEY = [0.94, 0.02, 0.02, 0.02]
BEFORE = np.array([HEADER, VALUE, KEY])


def test_a_line_in_doubt_that_a_value_wants_as_its_key_becomes_one():
    doubt = [[0.4, 0.02, 0.56, 0.02], SURE, A_KEY]
    found, gains = flip(evidence(doubt, WANTED), BEFORE, KEY, VALUE)
    assert found.tolist() == [KEY, VALUE, KEY]
    assert gains[0] > 0
    assert not gains[1:].any()


def test_labels_that_are_sure_stay_whatever_links_say():
    unlikely = [[0.04, 0.02, 0.92, 0.02], SURE, A_KEY]
    wanted = np.array(WANTED, dtype=float)
    wanted[1, 0] = 30
    found, _ = flip(evidence(unlikely, wanted), BEFORE, KEY, VALUE)
    assert found.tolist() == BEFORE.tolist()


def test_a_value_in_doubt_that_hesitates_between_a_key_and_none_is_no_value():
    scores = [[NEVER, 0, 0], [1, NEVER, 0]]
    doubt = [A_KEY, [0.02, 0.45, 0.1, 0.43]]
    found, _ = flip(evidence(doubt, scores), np.array([KEY, VALUE]), KEY, VALUE)
    assert found.tolist() == [KEY, OTHER]


def test_a_model_without_the_weight_or_with_whole_lines_labels_first():
    network = small_network(**BUNDLED_KIND)
    model = KieModel(network, character_tokenizer())
    together = model.with_config(decoding=dataclasses.replace(model.config.decoding, joint_weight=0.05))
    read = page(*["name Anna", "total 5", "sum", "date"] * 5)
    first, second = (each.predict([read])[0] for each in (model, together))
    assert [e.label for e in first.entities] != [e.label for e in second.entities]
    starts = [(e.spans[0].line, e.spans[0].start) for e in second.entities]
    assert starts == sorted(starts)
    assert all(0 <= entity.confidence <= 1 for entity in second.entities)
    whole = dataclasses.replace(read, whole_lines=True)
    assert model.predict([whole]) == together.predict([whole])


@pytest.mark.skipif("bundled-free" not in bundled(), reason="bundled-free is not installed")
def test_links_of_a_real_form_correct_its_labels(shared_data):
    """A form on which the labels of some lines are in doubt, read by a model that has not learned from it."""
    folder = shared_data / "funsd_train"
    labels = [page for page in read_labels(folder) if page.name == "92433599_92433601.png"]
    model = KieModel.load(bundled()["bundled-free"], device="cpu")
    first = model.with_config(decoding=dataclasses.replace(model.config.decoding, joint_weight=0.0))
    engine = create_engine(OcrOptions(threads=1))
    gold = gold_pages(labels)
    together, apart = (read_pairs(each, engine, gold, folder / "images").total for each in (model, first))
    assert together.correct > apart.correct
