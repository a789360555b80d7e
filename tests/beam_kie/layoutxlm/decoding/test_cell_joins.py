"""Joins and the ruled cells of a page: the odds, and a real form."""

import dataclasses

import numpy as np
import torch

from beam_kie.document import RuledCell
from beam_kie.evaluation.pairs import read_pairs
from beam_kie.labelled.formats import read_labels
from beam_kie.labelled.gold import gold_pages
from beam_kie.layoutxlm.config import Decoding
from beam_kie.layoutxlm.decoding.cell_joins import CellJoins
from beam_kie.layoutxlm.decoding.grouping import group_pieces
from beam_kie.layoutxlm.model import KieModel
from beam_kie.ocr import OcrOptions, create_engine
from model_store.references import BUNDLED_FREE
from tests.beam_kie.layoutxlm.decoding.test_grouping import PAGE, TOKENS, FixedHead, pieces
from tests.small_networks import small_config

COSTS = Decoding(cell_penalty=3.0, cell_edge_penalty=2.0, cell_bonus=1.0)
# Two cells side by side, with two lines in the first, one in the second, and one below both.
CELLS = np.array([(0, 0, 100, 100), (102, 0, 200, 100)])
BOXES = [(10, 10, 90, 30), (10, 34, 60, 54), (110, 10, 190, 30), (10, 140, 90, 160)]


def odds(keys=(True, True, True, True), boxes=BOXES):
    every = range(len(boxes))
    return CellJoins(boxes, keys, CELLS, COSTS).odds(every, every)


def test_a_join_across_borders_costs_and_keys_of_one_cell_go_together():
    found = odds()
    assert found[1].tolist() == [1, 0, -3, -2]
    # The upper line does not continue the lower one.
    assert found[0, 1] == 0
    assert (found[3, :3] == -2).all()


def test_values_and_crowded_cells_gain_nothing():
    assert odds(keys=(False, False, True, True))[1, 0] == 0
    many = [(10, 10 + 15 * row, 90, 22 + 15 * row) for row in range(5)]
    assert not odds([True] * 5, many).any()


def joined(head, page, penalty):
    config = small_config(cell_penalty=penalty)
    found = group_pieces([(head, torch.zeros(4, 48))], config, page, TOKENS, pieces(*["ANSWER"] * 4))
    return [[piece.line for piece in group] for group in found]


def test_lines_of_two_cells_are_not_joined_against_a_cost_that_is_higher_than_their_odds():
    """The head is sure by 9 nats."""
    cells = [RuledCell((90.0, 90.0, 210.0, 121.0), 0.9), RuledCell((90.0, 121.0, 210.0, 170.0), 0.9)]
    ruled = dataclasses.replace(PAGE, cells=tuple(cells))
    head = FixedHead([None, 0, None, 1])
    assert joined(head, ruled, 8.0) == [[0, 1, 3], [2]]
    assert joined(head, ruled, 10.0) == [[0], [1, 3], [2]]


def test_cells_of_a_real_form_give_more_right_pairs(shared_data):
    folder = shared_data / "xfund_zh_train"
    labels = [page for page in read_labels(folder / "train.json", folder / "image") if "_130." in page.name]
    gold = gold_pages(labels)
    model = KieModel.load(BUNDLED_FREE, device="cpu")  # it has not learned from the page
    blind = dataclasses.replace(
        model.config.decoding, cell_penalty=0.0, cell_edge_penalty=0.0, cell_bonus=0.0
    )
    seeing = dataclasses.replace(blind, cell_penalty=3.0, cell_edge_penalty=2.0, cell_bonus=2.0)
    engine = create_engine(OcrOptions(threads=1))
    with_cells, without = (
        read_pairs(each, engine, gold, folder / "image").total
        for each in (model.with_config(decoding=seeing), model.with_config(decoding=blind))
    )
    assert with_cells.correct >= without.correct + 2
