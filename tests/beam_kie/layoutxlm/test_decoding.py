import itertools

import numpy as np
import pytest

from beam_kie.document import LineSpan, TextLine
from beam_kie.layoutxlm.decoding import (
    LineVoteDecoder,
    Piece,
    TagDecoder,
    create_decoder,
    decode_entities,
    entity_from_spans,
    join_pieces,
    join_texts,
    span_polygon,
)
from beam_kie.layoutxlm.features import page_tokens
from tests.small_networks import character_tokenizer, line, page, small_config

TAGS = ("O", "B-K", "I-K", "B-V", "I-V")


def sure(*names, tags=TAGS, chance=0.9):
    """Log probabilities that name one tag per token; the rest is shared by the others."""
    scores = np.full((len(names), len(tags)), (1 - chance) / (len(tags) - 1))
    for row, name in enumerate(names):
        scores[row, tags.index(name)] = chance
    return np.log(scores)


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
    scores = sure("B-K", "I-K", "B-V", "I-K", "I-K", chance=0.6)
    split = [piece.label for piece in TagDecoder(TAGS).pieces(scores, np.zeros(5, int))]
    held = [piece.label for piece in TagDecoder(TAGS, 3.0).pieces(scores, np.zeros(5, int))]
    assert len(split) > 1
    assert held == ["K"]


def test_a_line_with_key_and_value_gives_two_pieces():
    scores = sure("B-K", "I-K", "O", "B-V", "I-V", "B-V")
    pieces = TagDecoder(TAGS).pieces(scores, np.zeros(6, int))
    assert pieces == [
        Piece("K", 0, 0, 2, False),
        Piece("V", 0, 3, 5, False),
        Piece("V", 0, 5, 6, False),
    ]


def test_every_line_is_a_path_of_its_own_and_may_begin_inside():
    scores = sure("B-K", "I-K", "I-K", "I-V", "O")
    pieces = TagDecoder(TAGS).pieces(scores, np.array([0, 0, 1, 4, 4]))
    assert pieces == [
        Piece("K", 0, 0, 2, False),
        Piece("K", 1, 2, 3, True),
        Piece("V", 4, 3, 4, True),
    ]


def test_labels_without_begin_tags_are_runs_of_their_own():
    tags = ("O", "I-K", "I-V")
    pieces = TagDecoder(tags).pieces(
        sure("I-K", "I-K", "I-V", "O", "I-V", tags=tags), np.array([0] * 4 + [1])
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


def decoded(text, scores, **config):
    decoder = create_decoder(
        small_config(labels=("K", "V"), head_labels=("K",), tail_labels=("V",), **config)
    )
    return decode_entities(text, page_tokens(text, character_tokenizer()), scores, decoder)


def test_entities_have_text_spans_tokens_and_a_mean_confidence():
    text = page("ab: cd", lines=[line("ab: cd", 0, 0, 600)])
    scores = sure("B-K", "I-K", "I-K", "B-V", "I-V", chance=0.8)
    key, found = decoded(text, scores)
    assert (key.entity.label, key.entity.text, key.entity.spans) == ("K", "ab:", (LineSpan(0, 0, 3),))
    assert (found.entity.label, found.entity.text) == ("V", "cd")
    assert key.tokens.tolist() == [0, 1, 2]
    assert found.tokens.tolist() == [3, 4]
    assert key.entity.confidence == pytest.approx(0.85)  # B and I of the label: 0.8 + 0.05
    assert key.entity.box == (0, 0, 300, 20)
    assert found.entity.box == (400, 0, 600, 20)


def test_an_entity_of_two_lines_has_the_box_around_both():
    text = page("ab", "cd")
    (item,) = decoded(text, sure("B-V", "I-V", "I-V", "I-V"))
    assert item.entity.text == "ab cd"
    assert item.entity.spans == (LineSpan(0, 0, 2), LineSpan(1, 0, 2))
    assert item.entity.box == (50, 30, 250, 80)


def test_no_tokens_no_entities():
    assert decoded(page("", " "), np.zeros((0, 5))) == []
    assert decoded(page("ab"), sure("O", "O")) == []


def test_runs_of_white_space_are_no_entities(sentencepiece):
    text = page("姓名 张三")
    tokens = page_tokens(text, sentencepiece)
    assert tokens.ends[0] == 0  # the mark of a word's start, which has no characters
    names = ["B-K"] + ["O"] * (len(tokens) - 1)
    assert decode_entities(text, tokens, sure(*names), TagDecoder(TAGS)) == []


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


def test_votes_are_those_of_paddleocr(reference, sentencepiece):
    import json

    tags = ("O", "B-QUESTION", "I-QUESTION", "B-ANSWER", "I-ANSWER", "B-HEADER", "I-HEADER")
    cases = json.loads((reference / "prepost.json").read_text("utf-8"))
    for case in cases:
        texts = page(lines=[line(text, 0, 0) for text, _ in case["order"]])
        tokens = page_tokens(texts, sentencepiece)
        logits = np.load(reference / f"prepost_{case['name']}.npz")["logits"][0, : len(tokens)]
        log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        found = {
            item.entity.spans[0].line: item.entity
            for item in decode_entities(texts, tokens, log_probs, LineVoteDecoder(tags))
        }
        for index, wanted in enumerate(case["ser_result"]):
            label = found[index].label if index in found else "O"
            assert label == wanted["pred"], (case["name"], index)
        for index, entity in found.items():
            assert entity.text == case["order"][index][0].strip()
            assert entity.polygon == texts.lines[index].polygon
            assert 0 < entity.confidence < 1


def test_a_span_is_cut_in_proportion_to_the_width_of_characters():
    standing = TextLine("姓名ab", (0, 0, 600, 0, 600, 20, 0, 20))
    assert span_polygon(standing, LineSpan(0, 0, 2)) == (0, 0, 400, 0, 400, 20, 0, 20)
    assert span_polygon(standing, LineSpan(0, 2, 4)) == (400, 0, 600, 0, 600, 20, 400, 20)
    tilted = TextLine("ab", (0, 0, 100, 10, 100, 30, 0, 20))
    assert span_polygon(tilted, LineSpan(0, 1, 2)) == (50, 5, 100, 10, 100, 30, 50, 25)


def test_a_whole_line_keeps_its_polygon_white_space_or_not():
    polygon = (0, 0, 100, 10, 101, 31, 0, 20)
    text = TextLine("  ab ", polygon)
    assert span_polygon(text, LineSpan(0, 0, 5)) == polygon
    assert span_polygon(text, LineSpan(0, 2, 4)) == polygon
    assert span_polygon(text, LineSpan(0, 3, 4)) != polygon


def test_texts_join_with_a_space_but_not_between_ideographs():
    assert join_texts(["ab", "cd"]) == "ab cd"
    assert join_texts(["北京", "市"]) == "北京市"
    assert join_texts(["北京", "ab", "市"]) == "北京 ab 市"
    assert join_texts(["", "ab", ""]) == "ab"


def test_an_entity_may_be_made_from_spans_alone():
    text = page("ab: cd", "ef")
    entity = entity_from_spans(text, "V", (LineSpan(0, 3, 6), LineSpan(1, 0, 2)), 0.5)
    assert entity.text == "cd ef"
    assert entity.box == (50, 30, 250, 80)


def test_tags_of_tokens_follow_the_way_of_decoding():
    # Alone, the second token would begin an entity anew; on the best path it goes on.
    log_probs = np.log(
        np.array([[0.1, 0.8, 0.1], [0.1, 0.46, 0.44], [0.1, 0.1, 0.8], [0.9, 0.05, 0.05]], dtype=np.float32)
    )
    lines = np.array([0, 0, 0, 1])
    tags = ("O", "B-X", "I-X")
    assert TagDecoder(tags, switch_penalty=1.0).token_tags(log_probs, lines).tolist() == [1, 2, 2, 0]
    assert LineVoteDecoder(tags).token_tags(log_probs, lines).tolist() == [1, 1, 2, 0]
    assert TagDecoder(tags).token_tags(log_probs[:0], lines[:0]).tolist() == []
