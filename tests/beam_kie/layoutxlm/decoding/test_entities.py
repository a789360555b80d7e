import numpy as np
import pytest

from beam_kie.document import Entity, LineSpan, TextLine
from beam_kie.layoutxlm.decoding.entities import (
    decode_entities,
    entity_from_spans,
    join_texts,
    span_polygon,
    tokens_of,
)
from beam_kie.layoutxlm.decoding.tags import LineVoteDecoder, TagDecoder, create_decoder
from beam_kie.layoutxlm.inputs.features import page_tokens
from tests.small_networks import TAGS, character_tokenizer, line, page, small_config, sure


def decoded(text, scores, **config):
    decoder = create_decoder(
        small_config(labels=("K", "V"), head_labels=("K",), tail_labels=("V",), **config)
    )
    return decode_entities(text, page_tokens(text, character_tokenizer()), scores, decoder)


def test_entities_have_text_spans_tokens_and_a_mean_confidence():
    text = page("ab: cd", lines=[line("ab: cd", 0, 0, 600)])
    scores = sure("B-K", "I-K", "I-K", "B-V", "I-V", probability=0.8)
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


def test_tokens_of_an_entity_include_the_mark_of_a_word_before_it(sentencepiece):
    text = page("姓名：张三")
    tokens = page_tokens(text, sentencepiece)
    whole = Entity("QUESTION", "姓名：张三", (0.0,) * 8, 1.0, (LineSpan(0, 0, 5),))
    name = Entity("ANSWER", "张三", (0.0,) * 8, 1.0, (LineSpan(0, 3, 5),))
    assert tokens_of(whole, tokens).tolist() == list(range(len(tokens)))
    assert tokens.ends[0] == 0
    found = tokens_of(name, tokens)
    assert 0 not in found
    assert tokens.starts[found].min() == 3
