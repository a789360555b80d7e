"""Pages to tensors."""

import random

import numpy as np
import pytest

from beam_kie.labelled.alignment import TrainingLine, TrainingPage
from beam_kie.training.data.examples import UNMASKED, ExampleMaker, collate_examples
from beam_kie.training.data.vocabulary import train_tokenizer
from beam_kie.training.planning.plan import network_config
from beam_kie.training.settings import Settings

TOKENIZER = train_tokenizer(["name address town street total li lei"] * 20, vocab_size=200)
CONFIG = network_config(Settings(output=""), None, [], TOKENIZER.get_vocab_size())


def line(text, top, *owners, left=100):
    width = len(text) // len(owners)
    filled = [owner for owner in owners for _ in range(width)]
    filled += [owners[-1]] * (len(text) - len(filled))
    return TrainingLine(text, (left, top, left + 300, top + 20), tuple(filled))


PAGE = TrainingPage(
    1000,
    1000,
    (line("address", 100, 1), line("street", 130, 2), line("town", 160, 2), line("name lei ", 200, 3, 4)),
    {1: "QUESTION", 2: "ANSWER", 3: "QUESTION", 4: "ANSWER"},
    frozenset({(1, 2), (3, 4)}),
)


@pytest.fixture
def example():
    return ExampleMaker(TOKENIZER, CONFIG, mask_rate=0)(PAGE, random.Random(0))


def tags_of(example, number):
    return [CONFIG.tags[tag] for tag in example.tags[example.tokens.lines == number]]


def test_entity_continues_on_the_next_line(example):
    assert tags_of(example, 1)[0] == tags_of(example, 2)[0] == "B-ANSWER"
    assert [piece.continues for piece in example.pieces] == [None, None, 1, None, None]
    assert [CONFIG.labels[piece.label] for piece in example.pieces[1:3]] == ["ANSWER", "ANSWER"]


def test_without_a_grouping_head_tags_decide_what_continues():
    config = CONFIG.with_fields(grouping_head=False)
    example = ExampleMaker(TOKENIZER, config, mask_rate=0)(PAGE, random.Random(0))
    assert tags_of(example, 1)[0] == "B-ANSWER"
    assert set(tags_of(example, 2)) == {"I-ANSWER"}


def test_pieces_of_an_entity_go_on_in_reading_order_whatever_the_order_of_the_page():
    lines = (PAGE.lines[2], PAGE.lines[1])
    page = TrainingPage(1000, 1000, lines, PAGE.labels, PAGE.relations)
    example = ExampleMaker(TOKENIZER, CONFIG, mask_rate=0)(page, random.Random(0))
    assert [piece.continues for piece in example.pieces] == [1, None]


def test_key_and_value_on_one_line_have_each_their_part_of_its_box(example):
    key, value = example.pieces[3:]
    assert key.box[0] == 100 and value.box[2] == 400
    assert 0 <= value.box[0] - key.box[2] < 40
    assert example.entity_boxes[2:] == [key.box, value.box]


def test_hidden_lines_are_masked_and_not_predicted():
    hidden = ExampleMaker(TOKENIZER, CONFIG, mask_rate=0, line_mask_rate=1)(PAGE, random.Random(0))
    assert set(hidden.tokens.ids) == {TOKENIZER.token_to_id("<mask>")}
    assert (hidden.masked == UNMASKED).all()


def test_a_line_with_key_and_value_holds_two_entities(example):
    tags = tags_of(example, 3)
    assert tags[0] == "B-QUESTION" and "B-ANSWER" in tags
    assert tags.index("B-ANSWER") == next(i for i, tag in enumerate(tags) if "ANSWER" in tag)


def test_relations_point_from_each_value_to_its_keys(example):
    assert [CONFIG.labels[label] for label in example.entity_labels] == [PAGE.labels[i] for i in (1, 2, 3, 4)]
    assert example.tails == [(1, [0]), (3, [2])]
    assert example.entity_boxes[1] == (100, 130, 400, 180)


def test_a_key_that_is_not_on_the_page_leaves_its_value_without(example):
    page = TrainingPage(1000, 1000, PAGE.lines[1:], PAGE.labels, PAGE.relations)
    assert ExampleMaker(TOKENIZER, CONFIG)(page, random.Random(0)).tails[0] == (0, [])


def test_masking_remembers_what_was_there():
    masked = ExampleMaker(TOKENIZER, CONFIG, mask_rate=0.5)(PAGE, random.Random(0))
    plain = ExampleMaker(TOKENIZER, CONFIG, mask_rate=0)(PAGE, random.Random(0))
    hidden = masked.masked != UNMASKED
    assert 0 < hidden.sum() < len(hidden)
    assert (masked.masked[hidden] == plain.tokens.ids[hidden]).all()
    assert (masked.tokens.ids[~hidden] == plain.tokens.ids[~hidden]).all()


def test_long_pages_are_cropped_at_a_line():
    lines = tuple(line("street", 20 * i, 1) for i in range(50))
    page = TrainingPage(1000, 1000, lines, {1: "ANSWER"}, frozenset())
    for seed in range(10):
        example = ExampleMaker(TOKENIZER, CONFIG, max_tokens=30)(page, random.Random(seed))
        assert len(example.tokens) == 30
        assert example.tokens.positions[0] == 0


def test_padding_is_ignored(example):
    short = TrainingPage(1000, 1000, PAGE.lines[:1], PAGE.labels, PAGE.relations)
    other = ExampleMaker(TOKENIZER, CONFIG)(short, random.Random(0))
    batch, targets = collate_examples([example, other], CONFIG)
    assert batch.ids.shape == targets["tags"].shape
    padding = ~batch.mask.numpy()
    assert padding.any()
    assert (targets["tags"].numpy()[padding] == UNMASKED).all()
    assert (targets["weights"].numpy()[padding] == 0).all()
    np.testing.assert_array_equal(targets["tags"].numpy()[0, : len(example.tags)], example.tags)


def test_blank_pages_give_nothing():
    blank = TrainingPage(10, 10, (), {}, frozenset())
    assert ExampleMaker(TOKENIZER, CONFIG)(blank, random.Random(0)) is None
