import pytest
import torch

from beam_kie.layoutxlm.network.relations import BiaffineRelationHead, pair_geometry
from tests.small_networks import BUNDLED_KIND, PUBLISHED_KIND, small_config, small_network


@pytest.fixture
def entities():
    torch.manual_seed(5)
    boxes = torch.randint(0, 400, (7, 4)).cumsum(-1).clamp(max=1000)
    return torch.randn(7, 48), torch.tensor([0, 1, 0, 1, 1, 0, 2]), boxes


HEADS, TAILS = torch.tensor([0, 2, 5]), torch.tensor([1, 3, 4])


@torch.no_grad()
def test_biaffine_scores_are_those_of_every_pair_alone(entities):
    head = small_network(**PUBLISHED_KIND).extractor
    vectors, labels, boxes = entities
    scores = head(vectors, labels, boxes, HEADS, TAILS)
    assert scores.shape == (3, 3, 2)
    rows = {0: 1, 1: 2, 2: 0}  # QUESTION, ANSWER, HEADER in a head that knows HEADER, QUESTION, ANSWER
    for row, tail in enumerate(TAILS.tolist()):
        for column, key in enumerate(HEADS.tolist()):
            pair = [
                torch.cat([vectors[i], head.entity_emb.weight[rows[labels[i].item()]]]) for i in (key, tail)
            ]
            of_key, of_tail = head.ffnn_head(pair[0]), head.ffnn_tail(pair[1])
            wanted = head.rel_classifier.bilinear(of_key, of_tail) + head.rel_classifier.linear(
                torch.cat([of_key, of_tail])
            )
            assert torch.allclose(scores[row, column], wanted, atol=1e-4)
    assert scores.std() > 0.1


@torch.no_grad()
def test_labels_of_a_biaffine_head_default_to_the_order_of_the_configuration(entities):
    config = small_config(relation_head="biaffine", labels=("A", "B", "C"), head_labels=(), tail_labels=())
    assert BiaffineRelationHead(config).label_rows == [0, 1, 2]


def test_biaffine_probabilities_are_of_the_second_logit_and_must_exceed_one_half():
    scores = torch.tensor([[[0.0, 0.0], [0.0, 2.0]]])
    probabilities, threshold = BiaffineRelationHead.probabilities(scores)
    assert probabilities.tolist() == [[0.5, pytest.approx(0.8808, abs=1e-4)]]
    assert threshold.tolist() == [[0.5]]
    cooled, _ = BiaffineRelationHead.probabilities(scores, temperature=2.0)
    assert cooled[0, 1] == pytest.approx(0.7311, abs=1e-4)


@torch.no_grad()
def test_keys_of_a_softmax_head_compete(entities):
    head = small_network(**BUNDLED_KIND).relations
    scores = head(*entities, HEADS, TAILS)
    assert scores.shape == (3, 4)
    probabilities, threshold = head.probabilities(scores)
    assert torch.allclose(probabilities.sum(1) + threshold[:, 0], torch.ones(3))


@torch.no_grad()
def test_every_value_is_scored_by_itself(entities):
    head = small_network(**BUNDLED_KIND).relations
    together = head(*entities, HEADS, TAILS)
    for row in range(3):
        assert torch.allclose(
            head(*entities, HEADS, TAILS[row : row + 1]), together[row : row + 1], atol=1e-5
        )


def test_geometry_is_relative_and_signed():
    heads, tails = (
        torch.tensor([[100, 100, 200, 120]]),
        torch.tensor([[300, 100, 400, 120], [10, 300, 90, 320]]),
    )
    features = pair_geometry(heads, tails)
    assert features.shape == (2, 1, 12)
    assert torch.allclose(pair_geometry(heads + 50, tails + 50), features)
    right, below_left = features[:, 0]
    assert right[0] > 0 > below_left[0]
    assert right[4] == 0 < below_left[4]
    assert right[9] > 0 > below_left[9]  # only the one to the right shares rows with the key
