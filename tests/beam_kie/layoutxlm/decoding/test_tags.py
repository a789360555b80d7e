import itertools

import numpy as np
import pytest

from beam_kie.layoutxlm.decoding.tags import (
    LineVoteDecoder,
    Piece,
    TagDecoder,
    WholeLineDecoder,
    create_decoder,
    join_pieces,
)
from beam_kie.layoutxlm.inputs.features import CutPlace, PageTokens, page_tokens
from tests.small_networks import TAGS, character_tokenizer, page, small_config, sure


def on_lines(lines, cut_places=None):
    """Tokens of which nothing is known but their lines."""
    lines = np.array(lines, dtype=np.int64)
    nothing = np.zeros_like(lines)
    boxes = np.zeros((lines.max(initial=-1) + 1, 4), dtype=np.int64)
    return PageTokens(nothing, lines, nothing, nothing, nothing, boxes, cut_places=cut_places)


def allowed(before, after):
    return not after.startswith("I-") or (before != "O" and before[2:] == after[2:])


def brute_force(scores, penalty):
    best, best_total = None, -np.inf
    for path in itertools.product(range(len(TAGS)), repeat=len(scores)):
        names = [TAGS[i] for i in path]
        if not all(allowed(a, b) for a, b in itertools.pairwise(names)):
            continue
        total = sum(scores[i, tag] for i, tag in enumerate(path))
        for a, b in itertools.pairwise(names):
            total -= penalty * (not b.startswith("I-") and not a == b == "O")
        if total > best_total:
            best, best_total = path, total
    return best


@pytest.mark.parametrize("penalty", [0.0, 0.7])
@pytest.mark.parametrize("seed", range(8))
def test_the_best_path_is_the_best_of_all_paths(seed, penalty):
    scores = np.random.default_rng(seed).normal(size=(5, len(TAGS)))
    found = TagDecoder(TAGS, penalty).best_path(scores)
    assert tuple(found) == brute_force(scores, penalty)


def test_the_penalty_holds_a_line_together():
    scores = sure("B-K", "I-K", "B-V", "I-K", "I-K", probability=0.6)
    split = [piece.label for piece in TagDecoder(TAGS).pieces(scores, on_lines([0] * 5))]
    held = [piece.label for piece in TagDecoder(TAGS, 3.0).pieces(scores, on_lines([0] * 5))]
    assert len(split) > 1
    assert held == ["K"]


def test_a_line_with_key_and_value_gives_two_pieces():
    scores = sure("B-K", "I-K", "O", "B-V", "I-V", "B-V")
    pieces = TagDecoder(TAGS).pieces(scores, on_lines([0] * 6))
    assert pieces == [
        Piece("K", 0, 0, 2, False),
        Piece("V", 0, 3, 5, False),
        Piece("V", 0, 5, 6, False),
    ]


def test_every_line_is_a_path_of_its_own_and_may_begin_inside():
    scores = sure("B-K", "I-K", "I-K", "I-V", "O")
    pieces = TagDecoder(TAGS).pieces(scores, on_lines([0, 0, 1, 4, 4]))
    assert pieces == [
        Piece("K", 0, 0, 2, False),
        Piece("K", 1, 2, 3, True),
        Piece("V", 4, 3, 4, True),
    ]


def test_labels_without_begin_tags_are_runs_of_their_own():
    tags = ("O", "I-K", "I-V")
    pieces = TagDecoder(tags).pieces(
        sure("I-K", "I-K", "I-V", "O", "I-V", tags=tags), on_lines([0] * 4 + [1])
    )
    assert pieces == [
        Piece("K", 0, 0, 2, False),
        Piece("V", 0, 2, 3, False),
        Piece("V", 1, 4, 5, False),
    ]


def boxes(*rows):
    return np.array(rows, dtype=np.int64)


def joined(pieces, line_boxes):
    return [[piece.line for piece in group] for group in join_pieces(pieces, line_boxes)]


def value(number, continues, label="V"):
    return Piece(label, number, number, number + 1, continues)


def test_a_line_that_continues_joins_the_one_above():
    below = boxes((100, 100, 300, 120), (100, 125, 250, 145), (100, 150, 200, 170))
    assert joined([value(0, False), value(1, True), value(2, True)], below) == [[0, 1, 2]]


def test_rows_of_two_columns_continue_their_own_column():
    rows = boxes(
        (100, 100, 300, 120), (500, 100, 700, 120), (100, 125, 300, 145), (500, 125, 700, 145)
    )  # fmt: skip
    order = [value(0, False), value(1, False), value(2, True), value(3, True)]
    assert joined(order, rows) == [[0, 2], [1, 3]]


def test_nothing_fitting_above_starts_an_entity():
    far = boxes((100, 100, 300, 120), (100, 400, 300, 420))
    beside = boxes((100, 100, 200, 120), (300, 100, 400, 120))
    below = boxes((100, 400, 300, 420), (100, 100, 300, 120))
    askew = boxes((100, 100, 200, 120), (300, 125, 400, 145))
    inside = boxes((100, 100, 300, 160), (150, 110, 250, 130))
    other = boxes((100, 100, 300, 120), (100, 125, 300, 145))
    for places in (far, beside, below, askew, inside):
        assert joined([value(0, False), value(1, True)], places) == [[0], [1]]
    assert joined([value(0, False, "K"), value(1, True)], other) == [[0], [1]]
    assert joined([value(0, True)], far) == [[0]]


def test_the_nearest_line_above_is_continued():
    places = boxes((100, 100, 300, 120), (100, 118, 300, 138), (100, 140, 300, 160))
    assert joined([value(0, False), value(1, False), value(2, True)], places) == [[0], [1, 2]]


def test_two_runs_of_one_line_do_not_join():
    places = boxes((100, 100, 300, 120))
    pieces = [Piece("V", 0, 0, 1, True), Piece("V", 0, 2, 3, True)]
    assert len(join_pieces(pieces, places)) == 2


def test_a_line_votes_and_ties_go_to_the_earlier_class():
    decoder = LineVoteDecoder(TAGS)
    text = page("abcd", "efgh", "ij", "kl", "m")
    tokens = page_tokens(text, character_tokenizer())
    scores = sure(
        "I-V", "I-V", "B-K", "O",  # inside counts as begin: V has two
        "O", "O", "B-K", "I-K",  # a tie with O
        "B-V", "B-K",  # a tie of two labels
        "O", "O",
        "I-K",
    )  # fmt: skip
    found = [(p.label, p.line, p.start, p.end) for (p,) in decoder.groups(scores, tokens)]
    assert found == [("V", 0, 0, 4), ("K", 2, 8, 10), ("K", 4, 12, 13)]


def test_tags_of_tokens_follow_the_way_of_decoding():
    # Alone, the second token would begin an entity anew; on the best path it goes on.
    log_probs = np.log(
        np.array([[0.1, 0.8, 0.1], [0.1, 0.46, 0.44], [0.1, 0.1, 0.8], [0.9, 0.05, 0.05]], dtype=np.float32)
    )
    tokens = on_lines([0, 0, 0, 1])
    tags = ("O", "B-X", "I-X")
    assert TagDecoder(tags, switch_penalty=1.0).token_tags(log_probs, tokens).tolist() == [1, 2, 2, 0]
    assert LineVoteDecoder(tags).token_tags(log_probs, tokens).tolist() == [1, 1, 2, 0]
    assert WholeLineDecoder(tags).token_tags(log_probs, tokens).tolist() == [1, 2, 2, 0]
    for decoder in (TagDecoder(tags), LineVoteDecoder(tags), WholeLineDecoder(tags)):
        assert decoder.token_tags(log_probs[:0], on_lines([])).tolist() == []


@pytest.mark.parametrize("place", [CutPlace.AFTER_COLON, CutPlace.AFTER_CAPITALS])
def test_a_cut_may_cost_less_where_a_key_ends(place):
    discounts = (5.0, 0.0) if place is CutPlace.AFTER_COLON else (0.0, 5.0)
    decoder = TagDecoder(TAGS, 6.0, *discounts)
    scores = sure("B-K", "I-K", "B-V", probability=0.9)

    def labels(*places):
        return [piece.label for piece in decoder.pieces(scores, on_lines([0] * 3, np.array(places)))]

    assert labels(0, 0, place) == ["K", "V"]
    assert labels(0, place, 0) == ["K"]
    assert labels(0, 0, 3 - place) == ["K"]
    assert [piece.label for piece in decoder.pieces(scores, on_lines([0] * 3))] == ["K"]


def test_a_cut_may_cost_more_within_a_phrase():
    scores = sure("B-K", "I-K", "B-V", probability=0.9)

    def labels(penalty, *places):
        decoder = TagDecoder(TAGS, phrase_penalty=penalty)
        return [piece.label for piece in decoder.pieces(scores, on_lines([0] * 3, np.array(places)))]

    assert labels(5.0, 0, 0, CutPlace.IN_PHRASE) == ["K"]
    assert labels(5.0, 0, CutPlace.IN_PHRASE, 0) == labels(0.0, 0, 0, CutPlace.IN_PHRASE) == ["K", "V"]


def test_whole_line_gets_the_label_with_the_highest_sum_over_its_tokens():
    scores = np.concatenate(
        [sure("B-K", "I-K", probability=0.5), sure("I-V", probability=0.99), sure("O", "I-K")]
    )
    tokens = on_lines([0, 0, 0, 2, 3])
    found = WholeLineDecoder(TAGS).groups(scores, tokens)
    assert found == [[Piece("V", 0, 0, 3, False)], [Piece("K", 3, 4, 5, False)]]
    names = [TAGS[tag] for tag in WholeLineDecoder(TAGS).token_tags(scores, tokens)]
    assert names == ["B-V", "I-V", "I-V", "O", "B-K"]


def test_no_temperature_changes_the_label_of_a_whole_line():
    scores = np.log([[0.4, 0.29, 0.29, 0.01, 0.01], [0.3, 0.05, 0.55, 0.05, 0.05]])
    for temperature in (0.2, 1.0, 5.0):
        tempered = scores / temperature
        tempered -= np.log(np.exp(tempered).sum(1, keepdims=True))
        assert [p.label for p in WholeLineDecoder(TAGS).pieces(tempered, on_lines([0, 0]))] == ["K"]


def test_whole_lines_of_labels_without_begin_tags():
    tags = ("O", "I-K", "I-V")
    found = WholeLineDecoder(tags).token_tags(sure("I-V", "I-V", "O", tags=tags), on_lines([0, 0, 1]))
    assert found.tolist() == [2, 2, 0]


def test_the_configuration_says_how_lines_are_decoded():
    settings = small_config(switch_penalty=6.0, colon_discount=2.0, capitals_discount=5.0, phrase_penalty=3.0)
    decoder = create_decoder(settings)
    assert decoder.transitions[CutPlace.ANY].max() == 0
    assert [decoder.transitions[place][0, 1] for place in CutPlace] == [-6, -4, -1, -9]
    assert isinstance(create_decoder(settings, whole_lines=True), WholeLineDecoder)
    for whole_lines in (False, True):
        voting = create_decoder(small_config(decoding="line_vote"), whole_lines)
        assert isinstance(voting, LineVoteDecoder)
