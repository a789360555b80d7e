import dataclasses
import math

import numpy as np
import pytest
import torch

from beam_kie.document import PageText, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.layoutxlm.decoding import grouping
from beam_kie.layoutxlm.decoding.grouping import group_pieces, grouping_scores, piece_boxes
from beam_kie.layoutxlm.decoding.tags import Piece
from beam_kie.layoutxlm.inputs.features import PageTokens
from beam_kie.layoutxlm.model import KieModel
from tests.small_networks import BUNDLED_KIND, character_tokenizer, small_config, small_network
from tests.small_networks import page as small_page

BOXES = [(100, 100, 200, 120), (100, 122, 200, 142), (600, 90, 700, 150), (100, 144, 200, 164)]
PAGE = PageText(
    "d", "u", 1, 1000, 1000, lines=tuple(TextLine("text", box_polygon(box)) for box in map(tuple, BOXES))
)
ROWS = np.arange(len(BOXES))
TOKENS = PageTokens(ROWS, ROWS, ROWS * 0, ROWS * 0 + 4, ROWS * 0, np.array(BOXES))


class FixedHead:
    """Every piece continues a given one, or begins an entity (None)."""

    def __init__(self, continues):
        self.continues = continues

    def __call__(self, vectors, labels, boxes, heads, tails):
        scores = torch.zeros(len(tails), len(heads) + 1)
        for row, tail in enumerate(tails.tolist()):
            before = self.continues[tail]
            scores[row, len(heads) if before is None else before] = 9
        return scores


def pieces(*labels):
    return [Piece(label, line, line, line + 1, False) for line, label in enumerate(labels)]


def groups(continues, *labels, **settings):
    found = pieces(*labels)
    hidden = torch.randn(len(BOXES), 48)
    joined = group_pieces([(FixedHead(continues), hidden)], small_config(**settings), PAGE, TOKENS, found)
    return [[piece.line for piece in group] for group in joined]


def test_lines_that_continue_become_one_entity():
    assert groups([None, 0, None, 1], *["ANSWER"] * 4) == [[0, 1, 3], [2]]


def test_lines_of_an_entity_come_from_top_to_bottom_whatever_was_linked():
    assert groups([1, 3, None, None], *["ANSWER"] * 4) == [[0, 1, 3], [2]]


def test_every_piece_has_the_probability_of_its_place():
    hidden = torch.randn(len(BOXES), 48)
    found = pieces("ANSWER", "ANSWER", "QUESTION", "ANSWER")

    joined = group_pieces([(FixedHead([None, 0, None, 1]), hidden)], small_config(), PAGE, TOKENS, found)

    # Scores of 9 against two zeros for the values; the key could not be anything but a start.
    wanted = {line: math.exp(9) / (math.exp(9) + 2) for line in (0, 1, 3)} | {2: 1.0}
    assert {
        piece.line: pytest.approx(piece.place_probability) for group in joined for piece in group
    } == wanted


def test_a_ring_of_links_is_one_entity():
    assert groups([1, 0, None, None], *["ANSWER"] * 4) == [[0, 1], [2], [3]]


def test_joins_may_cost_something():
    assert groups([None, 0, None, 1], *["ANSWER"] * 4, join_penalty=8.9) == [[0, 1, 3], [2]]
    assert groups([None, 0, None, 1], *["ANSWER"] * 4, join_penalty=9.1) == [[0], [1], [2], [3]]


def test_keys_in_two_scripts_follow_the_other_keys_of_their_page():
    """Five Chinese keys that continue in English; the last one's own odds are just below 0."""
    texts = ["姓名", "Name", "地址", "Address", "电话", "Phone", "国籍", "Nation"]
    places = [(100, 100 + 30 * row, 200, 120 + 30 * row) for row in range(len(texts))]
    lines = tuple(TextLine(text, box_polygon(box)) for text, box in zip(texts, places, strict=True))
    rows = np.arange(len(texts))
    tokens = PageTokens(rows, rows, rows * 0, np.array([len(t) for t in texts]), rows, np.array(places))

    class Undecided:
        def __call__(self, vectors, labels, boxes, heads, tails):
            scores = torch.full((len(tails), len(heads) + 1), -20.0)
            scores[:, -1] = 0
            for row, tail in enumerate(tails.tolist()):
                if tail % 2:
                    scores[row, tail - 1] = -0.5 if texts[tail] == "Nation" else 1.0
            return scores

    def joined(label, **settings):
        found = group_pieces(
            [(Undecided(), torch.randn(len(texts), 48))],
            small_config(**settings),
            dataclasses.replace(PAGE, lines=lines),
            tokens,
            pieces(*[label] * len(texts)),
        )
        return sum(len(group) == 2 for group in found)

    assert joined("QUESTION") == 3
    assert joined("QUESTION", page_prior_weight=1.0) == 4
    assert joined("ANSWER", page_prior_weight=1.0) == 3  # the prior is one of keys


def test_the_mean_of_several_heads_decides():
    """Two heads against one: what only one of them joins, with a score of 9 of three, stays apart."""
    sure, other = FixedHead([None, 0, None, 1]), FixedHead([None, 0, None, None])
    heads = [(head, torch.randn(len(BOXES), 48)) for head in (sure, other, other)]
    joined = group_pieces(heads, small_config(), PAGE, TOKENS, pieces(*["ANSWER"] * 4))
    assert [[piece.line for piece in group] for group in joined] == [[0, 1], [2], [3]]


def test_another_label_is_never_continued():
    assert groups([None, 0, None, 1], "ANSWER", "QUESTION", "ANSWER", "QUESTION") == [[0], [1, 3], [2]]


def test_one_piece_or_none_needs_no_head():
    assert group_pieces([], small_config(), PAGE, TOKENS, []) == []
    (piece,) = pieces("ANSWER")
    assert group_pieces([], small_config(), PAGE, TOKENS, [piece]) == [[piece]]


def test_a_piece_never_continues_itself():
    head = FixedHead([0, 1, 2, 3])
    labels = torch.zeros(4, dtype=torch.long)
    scores = grouping_scores(head, torch.zeros(4, 48), labels, torch.zeros(4, 4), torch.arange(4))
    assert torch.isinf(scores.diagonal()).all()
    assert torch.isfinite(scores).sum() == 4 * 3 + 4


@pytest.mark.parametrize("pairs", [1, 4, 7])
def test_portions_change_nothing(monkeypatch, pairs):
    monkeypatch.setattr(grouping, "PAIRS_AT_ONCE", pairs)
    assert groups([None, 0, None, 1], *["ANSWER"] * 4) == [[0, 1, 3], [2]]


def test_a_piece_has_its_share_of_the_lines_box():
    tokens = PageTokens(
        np.arange(2),
        np.zeros(2, int),
        np.array([0, 5]),
        np.array([4, 9]),
        np.arange(2),
        np.array([(100, 10, 190, 30)]),
    )
    found = [Piece("QUESTION", 0, 0, 1, False), Piece("ANSWER", 0, 1, 2, False)]
    assert piece_boxes(["name Anna"], tokens, found) == [(100, 10, 140, 30), (150, 10, 190, 30)]


def test_model_with_a_grouping_head_joins_lines_of_one_label_only():
    network = small_network(**BUNDLED_KIND, grouping_head=True)
    (found,) = KieModel(network, character_tokenizer()).predict([small_page(*["name Anna", "total 5"] * 6)])
    joined = [entity for entity in found.entities if len({span.line for span in entity.spans}) > 1]
    assert joined
    lines = [span for entity in found.entities for span in entity.spans]
    assert len(lines) == len(set(lines))
