"""Keys of values that are known to be values."""

import dataclasses

import pytest
import torch

from beam_kie.document import Entity, LineSpan
from beam_kie.layoutxlm.decoding.certain_values import with_keys_of_certain_values
from beam_kie.layoutxlm.model import KieModel
from tests.small_networks import BUNDLED_KIND, character_tokenizer, form, small_network


def changed(row, none, certain=True, least=0.8):
    """One value: the probabilities of its keys and what a key has to exceed, to two digits."""
    found, threshold = with_keys_of_certain_values(
        torch.tensor([row]), torch.tensor([[none]]), torch.tensor([certain]), least
    )
    return [round(each, 2) for each in found[0].tolist()], round(threshold.item(), 2)


def test_the_key_that_stands_out_is_linked_with_its_share_of_all_keys():
    assert changed([0.27, 0.03], 0.7) == ([0.9, 0.1], 0.4)


@pytest.mark.parametrize(
    ("row", "none", "certain"),
    [
        ([0.27, 0.03], 0.7, False),  # the label may be wrong
        ([0.15, 0.15], 0.7, True),  # no key stands out
        ([0.55, 0.05], 0.4, True),  # it has a key anyhow
        ([0.0, 0.0], 1.0, True),  # no key is allowed
    ],
)
def test_all_other_values_stay_as_they_were(row, none, certain):
    assert changed(row, none, certain) == (row, none)


def test_given_entities_of_confidence_1_are_certain():
    network = small_network(**BUNDLED_KIND, none_penalty=-50.0, certain_value_share=0.8)
    model, page = KieModel(network, character_tokenizer()), form(1)
    key, value = (
        Entity(label, line.text, line.polygon, 1.0, (LineSpan(index, 0, len(line.text)),))
        for index, (label, line) in enumerate(zip(("QUESTION", "ANSWER"), page.lines, strict=True))
    )
    (known,) = model.relate([page], [[key, value]])
    (found,) = model.relate([page], [[key, dataclasses.replace(value, confidence=0.99)]])
    assert [(each.head, each.tail) for each in known.relations] == [(0, 1)]
    assert not found.relations
