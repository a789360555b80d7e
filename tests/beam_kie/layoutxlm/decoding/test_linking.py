import numpy as np
import pytest
import torch

from beam_kie.document import Entity, LineSpan
from beam_kie.layoutxlm.config import ConfigError
from beam_kie.layoutxlm.decoding import linking
from beam_kie.layoutxlm.decoding.entities import DecodedEntity
from beam_kie.layoutxlm.decoding.linking import find_relations
from tests.small_networks import BUNDLED_KIND, PUBLISHED_KIND, page, small_config, small_network

HEADS = {"softmax": BUNDLED_KIND, "biaffine": PUBLISHED_KIND}


class FixedHead:
    """Gives fixed V x K probabilities, for entities in the order Q, A, Q, A, ..."""

    first_token_only = False

    def __init__(self, given, threshold=0.5):
        self.given, self.threshold = torch.tensor(given), threshold

    def __call__(self, vectors, labels, boxes, heads, tails):
        return self.given[tails // 2][:, heads // 2]

    def probabilities(self, scores, temperature):
        return scores, torch.full_like(scores[:, :1], self.threshold)


def entity(label, row, tokens=(0,), left=10.0):
    right = left + 80
    box = (left, 20.0 * row, right, 20.0 * row, right, 20.0 * row + 15, left, 20.0 * row + 15)
    return DecodedEntity(Entity(label, "text", box, 0.9, (LineSpan(row, 0, 4),)), np.array(tokens, dtype=int))


def alternating(count):
    return [entity(("QUESTION", "ANSWER")[i % 2], i, (i,)) for i in range(count)]


def relations(head, decoded, certain=(), **config):
    hidden = torch.randn(len(decoded) + 1, 48, generator=torch.manual_seed(0))
    found = find_relations([(head, hidden)], small_config(**config), page("a"), decoded, certain)
    return [(r.head, r.tail, round(r.confidence, 2)) for r in found]


def test_a_value_takes_its_best_key_and_a_key_may_have_several():
    head = FixedHead([[0.6, 0.9, 0.1], [0.2, 0.8, 0.3], [0.5, 0.4, 0.5]])
    assert relations(head, alternating(6)) == [(2, 1, 0.9), (2, 3, 0.8)]


def test_every_likely_key_where_that_is_wanted():
    head = FixedHead([[0.6, 0.9], [0.2, 0.7]])
    found = relations(head, alternating(4), relation_choice="every")
    assert found == [(0, 1, 0.6), (2, 1, 0.9), (2, 3, 0.7)]


def test_a_second_key_where_that_is_wanted():
    decoded = [entity("QUESTION", 2), entity("ANSWER", 2, left=110.0), entity("QUESTION", 0, left=110.0)]
    head = FixedHead([[0.55, 0.4]], threshold=0.05)
    assert relations(head, decoded, **BUNDLED_KIND) == [(0, 1, 0.55)]
    assert relations(head, decoded, **BUNDLED_KIND, second_key=0.4) == [(0, 1, 0.95), (2, 1, 0.8)]
    assert relations(head, decoded, **BUNDLED_KIND, second_key=0.9) == [(0, 1, 0.55)]


def test_a_certain_value_has_the_key_that_stands_out_where_that_is_wanted():
    """Of four values that have probably no key, the last two have certain labels."""
    head = FixedHead([[0.09, 0.01, 0, 0], [0.2, 0, 0, 0], [0.0, 0.0, 0.09, 0.01], [0, 0, 0.1, 0.1]])
    wanted = {**BUNDLED_KIND, "certain_value_share": 0.8}
    assert relations(head, alternating(8), {5, 7}, **wanted) == [(4, 5, 0.9)]
    assert relations(head, alternating(8), {5, 7}, **BUNDLED_KIND) == []
    assert relations(head, alternating(8), **wanted) == []


@pytest.mark.parametrize(
    "config",
    [
        {**PUBLISHED_KIND, "certain_value_share": 0.8},
        {"certain_value_share": 0.5},
        {"certain_value_share": 1.1},
    ],
)
def test_the_share_of_certain_values_needs_a_softmax_head_and_most_of_all_keys(config):
    with pytest.raises(ConfigError, match="certain_value_share"):
        small_config(**config)


@pytest.mark.parametrize(
    "config", [{**PUBLISHED_KIND, "second_key": 0.4}, {"second_key": 1.1}, {"second_key": -0.1}]
)
def test_a_second_key_needs_a_softmax_head_and_a_confidence(config):
    with pytest.raises(ConfigError, match="second_key"):
        small_config(**{**BUNDLED_KIND, **config})


def test_having_no_key_may_cost_something():
    decoded = alternating(2)
    head = small_network(**BUNDLED_KIND).relation_head

    def probability(**config):
        ((_, _, confidence),) = relations(head, decoded, **BUNDLED_KIND, **config) or [(0, 0, None)]
        return confidence

    with torch.inference_mode():
        head.none.bias.fill_(9.0)
        assert probability() is None
        assert probability(none_penalty=20.0) > 0.99
    with pytest.raises(ConfigError, match="none_penalty"):
        small_config(**PUBLISHED_KIND, none_penalty=0.5)


def test_one_half_is_not_enough():
    assert relations(FixedHead([[0.5]]), alternating(2)) == []
    assert relations(FixedHead([[0.51]]), alternating(2)) == [(0, 1, 0.51)]


def test_an_entity_is_no_key_of_itself():
    labels = {"head_labels": ("QUESTION",), "tail_labels": ("QUESTION", "ANSWER")}
    decoded = [entity("QUESTION", 0), entity("ANSWER", 1)]
    assert relations(FixedHead([[0.9]]), decoded, **labels) == [(0, 1, 0.9)]


@pytest.mark.parametrize("kind", HEADS)
@torch.inference_mode()
def test_pages_without_pairs_have_no_relations(kind):
    head = small_network(**HEADS[kind]).relation_head
    for labels in ((), ("QUESTION",), ("ANSWER", "ANSWER"), ("HEADER", "QUESTION"), ("SHIPPER", "QUESTION")):
        decoded = [entity(label, row) for row, label in enumerate(labels)]
        assert relations(head, decoded, **HEADS[kind]) == []


@torch.inference_mode()
def test_entities_without_tokens_and_unknown_labels_take_part_in_nothing():
    head = FixedHead([[0.9, 0.9], [0.9, 0.9]])
    decoded = [entity("QUESTION", 0, ()), entity("ANSWER", 1), entity("SHIPPER", 2), entity("ANSWER", 3, ())]
    assert relations(head, decoded) == []


@torch.inference_mode()
def test_the_mean_of_several_heads_decides():
    decoded = [entity("QUESTION", 0), entity("ANSWER", 1), entity("QUESTION", 2)]
    hidden = torch.zeros(3, 48)
    heads = [(head, hidden) for head in (FixedHead([[0.7, 0.3]]), FixedHead([[0.1, 0.9]]))]
    (found,) = find_relations(heads, small_config(**HEADS["softmax"]), page("a"), decoded)
    assert (found.head, found.tail) == (2, 1)


@pytest.mark.parametrize("kind", HEADS)
@torch.inference_mode()
def test_portions_change_nothing(kind, monkeypatch):
    head, decoded = small_network(**HEADS[kind]).relation_head, alternating(20)
    whole = relations(head, decoded, **HEADS[kind])
    assert whole
    monkeypatch.setattr(linking, "PAIRS_AT_ONCE", 25)
    assert relations(head, decoded, **HEADS[kind]) == whole


@pytest.mark.parametrize(("kind", "all_count"), [("softmax", True), ("biaffine", False)])
@torch.inference_mode()
def test_a_biaffine_head_sees_the_first_token_and_a_softmax_head_all(kind, all_count):
    network = small_network(**HEADS[kind])
    decoded = [entity("QUESTION", 0, (0, 1)), entity("ANSWER", 1, (2, 3))]
    hidden = torch.randn(4, 48, generator=torch.manual_seed(1))
    seen = []
    network.relation_head.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    for states in (hidden, torch.cat([hidden[:3], hidden[3:] + 1])):
        find_relations([(network.relation_head, states)], network.config, page("a"), decoded)
    assert torch.equal(seen[0][0], seen[1][0])
    assert torch.equal(seen[0][1], seen[1][1]) != all_count


@pytest.mark.parametrize("kind", HEADS)
def test_labels_say_which_value_may_belong_to_which_key(kind):
    labels = {
        "labels": ("NO_KEY", "NO", "DATE_KEY", "DATE"),
        "head_labels": ("NO_KEY", "DATE_KEY"),
        "tail_labels": ("NO", "DATE"),
    }
    found = {}
    for links in ((), (("NO_KEY", "NO"), ("DATE_KEY", "DATE"))):
        changes = {**HEADS[kind], **labels, "relation_labels": (), "relation_choice": "every"}
        network = small_network(**changes, links=links)
        decoded = [entity(label, row, (row,)) for row, label in enumerate(labels["labels"])]
        hidden = torch.randn(4, 48, generator=torch.manual_seed(0))
        if kind == "biaffine":
            network.extractor.rel_classifier.linear.bias.data[1] = 50.0
        links_found = find_relations([(network.relation_head, hidden)], network.config, page("x"), decoded)
        found[links] = {(relation.head, relation.tail) for relation in links_found}
    free, bound = found.values()
    assert bound <= {(0, 1), (2, 3)}
    assert (
        bound if kind == "softmax" else (free, bound) == ({(0, 1), (2, 1), (0, 3), (2, 3)}, {(0, 1), (2, 3)})
    )
