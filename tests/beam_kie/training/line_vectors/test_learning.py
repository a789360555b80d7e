"""Learning line vectors."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from beam_kie.training.line_vectors.files import LineVectors
from beam_kie.training.line_vectors.learning import LineVectorHead, phrase_page, texts_by_language

VECTORS = LineVectors(
    ("Name", "Date", "姓名"),
    ("en", "en", "zh"),
    np.array([[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0]], np.float16),
    (3, 2),
)


@dataclass
class Page:
    """What the loss looks at of an example."""

    line_vectors: list = field(default_factory=list)


def identity_head():
    head = LineVectorHead(VECTORS, hidden_size=5)
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(5))
        head.linear.bias.zero_()
    return head


def test_the_loss_is_the_distance_of_line_means_from_their_vectors():
    right = torch.from_numpy(VECTORS.vectors).float()
    hidden = torch.zeros(2, 4, 5)
    hidden[1, 0], hidden[1, 1] = (
        2 * right[0],
        4 * right[0],
    )  # one line: the mean counts
    hidden[1, 2] = right[1]
    lines = [(np.array([0, 1]), 0), (np.array([2]), 1)]
    assert identity_head().loss(hidden, [Page(), Page(lines)]).item() == pytest.approx(0, abs=1e-6)
    swapped = [(lines[0][0], 1), (lines[1][0], 0)]
    assert identity_head().loss(hidden, [Page(), Page(swapped)]).item() == pytest.approx(1, abs=1e-6)


def test_every_encoder_counts_the_same():
    hidden = torch.zeros(1, 1, 5)
    hidden[0, 0, :3], hidden[0, 0, 3] = (
        torch.tensor([0.0, 1.0, 0.0]),
        1,
    )  # right for the second encoder
    assert identity_head().loss(hidden, [Page([(np.array([0]), 0)])]).item() == pytest.approx(0.5, abs=1e-6)


def test_pages_without_such_lines_have_no_loss():
    loss = identity_head().loss(torch.ones(1, 3, 5, requires_grad=True), [Page()])
    assert loss.item() == 0
    loss.backward()


def test_a_phrase_page_holds_texts_of_one_language():
    english, chinese = texts_by_language(VECTORS)
    assert (english, chinese) == (["Name", "Date"], ["姓名"])
    page = phrase_page(english, random.Random(1))
    assert {line.text for line in page.lines} == {"Name", "Date"}
    assert not page.labels and len(page.lines) > 10
    for line in page.lines:
        left, top, right, bottom = line.box
        assert 0 <= left < right <= page.width_px and 0 <= top < bottom <= page.height_px
