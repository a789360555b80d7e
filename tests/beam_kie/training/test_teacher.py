"""Training with a teacher."""

import dataclasses
import random

import numpy as np
import pytest
import torch

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.training.augmentation.strips import with_strips
from beam_kie.training.data.examples import ExampleMaker, collate_examples
from beam_kie.training.teacher import Scores, Teacher, read_examples, teaching_losses
from beam_kie.training.weights.ensemble import combine
from tests.small_networks import BUNDLED_KIND, STRIPS_KIND, character_tokenizer, save_model, small_network

TOKENIZER = character_tokenizer()
CPU = torch.device("cpu")
GROUPING = {"grouping_head": True, "labels": ("QUESTION", "ANSWER", "HEADER")}


def line(text, top, owner):
    return TrainingLine(text, (100, top, 400, top + 20), (owner,) * len(text))


def pages():
    lines = (line("address", 100, 1), line("street", 130, 2), line("town", 160, 2), line("name", 200, 3))
    page = TrainingPage(1000, 1000, lines, {1: "QUESTION", 2: "ANSWER", 3: "QUESTION"}, frozenset({(1, 2)}))
    pixels = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    return [with_strips(page, pixels), dataclasses.replace(page, lines=lines[:2])]


@pytest.fixture
def networks():
    return small_network(1, **STRIPS_KIND, **GROUPING), small_network(2, **BUNDLED_KIND, **GROUPING)


def batch_of(config, mask_rate=0.0, supervised=True):
    make = ExampleMaker(TOKENIZER, config, mask_rate=mask_rate)
    examples = [make(page, random.Random(0), supervised) for page in pages()]
    batch, targets = collate_examples(examples, config)
    return batch, targets, examples


def taught(folder, **kwargs):
    teacher = Teacher(folder, CPU)
    batch, targets, examples = batch_of(teacher.networks[0].config, **kwargs)
    return teacher(batch, targets["masked"], examples)


def test_networks_of_an_ensemble_teach_their_mean(networks, tmp_path):
    folders = [save_model(tmp_path / str(number), network) for number, network in enumerate(networks)]
    combine(folders, tmp_path / "both")
    one, other, both = (taught(folder) for folder in (*folders, tmp_path / "both"))
    assert torch.allclose(both.tags, (one.tags + other.tags) / 2, atol=1e-5)
    for mean, *parts in (*zip(both.relations, one.relations, other.relations, strict=True),
                         *zip(both.groups, one.groups, other.groups, strict=True)):  # fmt: skip
        assert torch.allclose(mean, sum(parts) / 2, atol=1e-5)
    assert [len(both.relations), len(both.groups)] == [2, 2]


def test_teacher_reads_unmasked_tokens_and_line_images(networks, tmp_path):
    folder = save_model(tmp_path / "one", networks[0])
    plain, masked = taught(folder), taught(folder, mask_rate=0.5)
    assert torch.allclose(plain.tags, masked.tags, atol=1e-5)
    text_only, *_ = batch_of(networks[0].config)
    assert not torch.allclose(
        plain.tags[0], networks[0].classify(networks[0].encode(text_only), text_only)[0]
    )


def test_equal_scores_have_no_teaching_loss(networks, tmp_path):
    network = networks[1]
    found = taught(save_model(tmp_path / "one", network))
    batch, targets, examples = batch_of(network.config)
    mine = read_examples(network, network.encode(batch), batch, examples)
    losses = teaching_losses(mine, found, targets["weights"])
    assert all(loss.item() == pytest.approx(0, abs=1e-4) for loss in losses)


def test_losses_grow_with_the_distance_and_can_be_learned_from(networks, tmp_path):
    found = taught(save_model(tmp_path / "one", networks[0]))
    batch, targets, examples = batch_of(networks[1].config)
    mine = read_examples(networks[1], networks[1].encode(batch), batch, examples)
    losses = teaching_losses(mine, found, targets["weights"])
    assert all(loss.item() > 0.01 for loss in losses)
    sum(losses).backward()
    grads = [value.grad for value in networks[1].parameters() if value.grad is not None]
    assert grads and all(grad.isfinite().all() for grad in grads)


def test_temperature_softens_both_and_keeps_the_size_of_gradients():
    scores = Scores(torch.zeros(1, 1, 2), [], [])
    certain = Scores(torch.tensor([[[40.0, 0.0]]]), [], [])
    losses = teaching_losses(scores, certain, torch.ones(1, 1))
    assert losses.tags.item() == pytest.approx(4 * np.log(2), abs=1e-4)
    assert (losses.relations.item(), losses.groups.item()) == (0, 0)


def test_plain_text_has_no_teaching_loss(networks, tmp_path):
    found = taught(save_model(tmp_path / "one", networks[0]), supervised=False)
    _, targets, _ = batch_of(networks[0].config, supervised=False)
    losses = teaching_losses(found, found, targets["weights"])
    assert [loss.item() for loss in losses] == [0, 0, 0] and found.relations == []
