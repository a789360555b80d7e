import dataclasses

import numpy as np
import pytest
import torch

from beam_kie.document import Category, DocumentError, Entity, LineSpan
from beam_kie.layoutxlm.config import Calibration, ConfigError, Decoding
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.inputs.features import page_tokens
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.reading import NetworkReader
from tests.small_networks import (
    BIASED_KIND,
    BUNDLED_KIND,
    PUBLISHED_KIND,
    STRIPS_KIND,
    VISUAL_KIND,
    character_tokenizer,
    form,
    line,
    noise_thumbnail,
    page,
    same_results,
    small_network,
    with_strips,
)

KINDS = {
    "bundled": BUNDLED_KIND,
    "with_pictures": STRIPS_KIND,
    "published": PUBLISHED_KIND,
    "visual": VISUAL_KIND,
    "biased": BIASED_KIND,
}


def model(kind=BUNDLED_KIND, max_batch_tokens=4096, **changes):
    network = small_network(**{**kind, **changes})
    made = KieModel(network, character_tokenizer())
    made.batch_budget = max_batch_tokens  # as on a GPU
    return made


def pages(*rows):
    return [form(count, i + 1, seed=i, picture=noise_thumbnail(i)) for i, count in enumerate(rows)]


def seen_by(kind, text, seed=0):
    """The page with the kind of picture that the network needs."""
    if "strip_channels" in kind:
        return with_strips(text, seed)
    return dataclasses.replace(text, picture=noise_thumbnail(seed))


def whole_line(text, index, label):
    content = text.lines[index]
    return Entity(label, content.text, content.polygon, 1.0, (LineSpan(index, 0, len(content.text)),))


def own_tokens_only(network: LayoutXLM) -> LayoutXLM:
    """Attention that adds nothing: every token is classified by itself, whatever window it is in."""
    with torch.no_grad():
        for layer in network.encoder.layer:
            layer.attention.self.value.weight.zero_()
            layer.attention.self.value.bias.zero_()
    return network


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_the_same_result_alone_and_among_others(kind):
    many = [seen_by(KINDS[kind], text, seed) for seed, text in enumerate(pages(2, 12, 1, 7))]
    found = model(KINDS[kind]).predict(many)
    assert [result.page for result in found] == many
    assert any(result.relations for result in found)
    for text, result in zip(many, found, strict=True):
        assert same_results(model(KINDS[kind], max_batch_tokens=50).predict([text]), [result])


def test_pages_longer_than_a_window_lose_nothing():
    network = own_tokens_only(small_network(**BUNDLED_KIND, window_tokens=40, window_overlap_tokens=15))
    cut = KieModel(network, character_tokenizer())
    whole = KieModel(own_tokens_only(small_network(**BUNDLED_KIND, window_tokens=512)), character_tokenizer())
    long = pages(15)
    assert cut.count_tokens(long[0]) > 150
    # A line that is classified by the mean of its tokens is whole in every window, as windows begin at lines.
    assert same_results(cut.predict(long), whole.predict(long))
    assert cut.token_predictions(long) == whole.token_predictions(long)


def test_overlapping_windows_are_merged_by_their_mean():
    network = small_network(**BUNDLED_KIND, window_tokens=40, window_overlap_tokens=15)
    reader = NetworkReader(network, torch.float32, torch.device("cpu"))
    tokens = [page_tokens(pages(6)[0], character_tokenizer())]
    seen = []
    run = reader._run

    def recorded(group, *rest):
        states, scores = run(group, *rest)
        seen.extend(zip(group, states, scores, strict=True))
        return states, scores

    reader._run = recorded
    (reading,) = reader.read(pages(6), tokens, keep_hidden=True, budget=4096)
    twice = [
        place for place in range(len(tokens[0])) if sum(w.start <= place < w.end for w, _, _ in seen) == 2
    ]
    assert twice
    for place in twice:
        inside = [(h[place - w.start], s[place - w.start]) for w, h, s in seen if w.start <= place < w.end]
        hidden, scores = (torch.stack(part).mean(0) for part in zip(*inside, strict=True))
        assert torch.allclose(reading.hidden[place], hidden, atol=1e-5)
        assert torch.allclose(reading.scores[place], scores, atol=1e-5)


def test_an_ensemble_decides_by_the_mean_of_its_members():
    first, second = (small_network(seed, **BUNDLED_KIND) for seed in (1, 2))
    alone, other, twice, both = (
        KieModel(one, character_tokenizer(), others=more)
        for one, more in ((first, []), (second, []), (first, [first]), (first, [second]))
    )
    text = pages(9)
    found = both.predict(text)
    assert same_results(twice.predict(text), alone.predict(text))
    assert not same_results(found, alone.predict(text)) and not same_results(found, other.predict(text))
    scores = [each.encode(text)[0].log_probs(1.0) for each in (alone, other, both)]
    mean = torch.from_numpy((scores[0] + scores[1]) / 2).log_softmax(-1)
    assert np.allclose(scores[2], mean, atol=1e-5)
    assert both.size_bytes == alone.size_bytes + other.size_bytes


@pytest.mark.parametrize("kind", ["bundled", "published"])
def test_entities_of_different_windows_are_related(kind):
    text = pages(30)[0]
    relating = model(KINDS[kind], window_tokens=40, window_overlap_tokens=10)
    entities = [whole_line(text, 0, "QUESTION")]
    entities += [whole_line(text, index, "ANSWER") for index in range(1, 60, 2)]
    scores = []
    head = relating.network.relation_head
    head.register_forward_hook(lambda _module, _inputs, output: scores.append(output))
    relating.relate([text], [entities])
    assert scores[0].shape[0] == 30  # a value on every row, the key on the first


def test_special_tokens_leave_the_text_in_its_place():
    """With attention that adds nothing, <s> before the text shifts positions and nothing else."""
    with_special = own_tokens_only(small_network(**PUBLISHED_KIND, special_tokens="hf"))
    without = small_network(**PUBLISHED_KIND)
    without.load_state_dict(with_special.state_dict())
    with torch.no_grad():
        table = without.embeddings.position_embeddings.weight
        table[:-1] = with_special.embeddings.position_embeddings.weight[1:]
    text = pages(5)
    found = KieModel(with_special, character_tokenizer()).predict(text)
    assert same_results(found, KieModel(without, character_tokenizer()).predict(text))


def test_pictures_are_encoded_once_a_page_and_change_the_result():
    with_pictures = model(VISUAL_KIND, window_tokens=60, window_overlap_tokens=20)
    batches = []
    with_pictures.network.visual.register_forward_hook(lambda _m, inputs, _o: batches.append(len(inputs[0])))
    text = form(20, picture=noise_thumbnail(1))
    others = [form(1, picture=noise_thumbnail(i)) for i in range(2, 11)]
    first = with_pictures.predict([text, *others])
    assert batches == [8, 2]
    darker = dataclasses.replace(text, picture=bytes(len(text.picture)))
    assert not same_results(with_pictures.predict([darker]), first[:1])


def test_line_images_count_in_every_window():
    whole, cut = (
        KieModel(
            own_tokens_only(small_network(**STRIPS_KIND, window_tokens=size, window_overlap_tokens=15)),
            character_tokenizer(),
        )
        for size in (512, 40)
    )
    text = with_strips(form(15))
    assert whole.pictures == "strips"
    found = whole.predict([text])
    assert same_results(cut.predict([text]), found)
    assert not same_results(whole.predict([with_strips(text, seed=1)]), found)
    text_only = dataclasses.replace(text, picture=None)
    assert not same_results(whole.predict([text_only]), found)


def test_pages_with_and_without_pixels_share_a_batch():
    with_pictures = model(STRIPS_KIND)
    seen, text_only = with_strips(form(4, 1)), form(5, 2, seed=1)
    together = with_pictures.predict([seen, text_only])
    assert same_results(with_pictures.predict([seen]) + with_pictures.predict([text_only]), together)


def test_pixels_of_other_lines_are_an_error_of_that_page():
    wrong = dataclasses.replace(form(3), picture=with_strips(form(2)).picture)
    with pytest.raises(DocumentError, match="6 lines, but pixels of 4"):
        model(STRIPS_KIND).predict([wrong])


def test_a_page_without_the_picture_that_is_needed_is_an_error_of_that_page():
    with_pictures = model(VISUAL_KIND)
    assert with_pictures.pictures == "hf"
    with pytest.raises(DocumentError, match="without one") as error:
        with_pictures.predict([form(2)])
    assert error.value.category == Category.MODEL_FAILED
    assert with_pictures.predict([page("", " ")])[0].entities == ()  # neither text nor picture
    assert model().pictures is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        page(),
        page("", "  ", "\u3000"),
        page("a"),
        page("ab" * 600),
        page(lines=[line("ab", -500, -500), line("cd", 5000, 5000), line("ef", 900, 1300, 900, 900)]),
        page(lines=[line("ab", 10, 10, 0, 0), line("cd", 10, 10, -5, -5)]),
        page("\u0000", "\U0001f600\u200d", "a\nb\tc", "ﷺ"),
        page(lines=[line("ab", 0, 0)] * 5, width=1, height=1),
    ],
    ids=["no-lines", "blank", "one", "long-line", "outside", "empty-boxes", "strange-text", "one-pixel"],
)
def test_any_page_has_an_answer(kind, text):
    text = seen_by(KINDS[kind], text)
    (result,) = model(KINDS[kind]).predict([text])
    assert result.page == text
    for entity in result.entities:
        assert entity.text.strip()
        assert 0 <= entity.confidence <= 1
    for relation in result.relations:
        assert 0 < relation.confidence <= 1
        assert result.entities[relation.head].label == "QUESTION"
        assert result.entities[relation.tail].label == "ANSWER"


def test_three_thousand_lines_have_an_answer():
    lines = [line(f"k{i % 10}", 20 + 300 * (i % 3), i, 200, 3) for i in range(3000)]
    text = page(lines=lines, height=3100)
    many = model(PUBLISHED_KIND)
    tags = many.token_predictions([text])[0]
    assert sum(map(len, tags)) == 6000
    assert all(tags)
    entities = [whole_line(text, i, "QUESTION" if i % 2 else "ANSWER") for i in range(3000)]
    (result,) = many.relate([text], [entities])
    assert len(result.entities) == 3000
    assert len({relation.tail for relation in result.relations}) == len(result.relations) > 0


def test_entities_come_in_reading_order():
    for result in model().predict(pages(8, 8, 8)):
        places = [(entity.spans[0].line, entity.spans[0].start) for entity in result.entities]
        assert len(places) > 3
        assert places == sorted(places)


@pytest.mark.parametrize("kind", [BUNDLED_KIND, {**BUNDLED_KIND, "grouping_head": True}, PUBLISHED_KIND])
def test_lines_that_are_entities_are_neither_cut_nor_joined(kind):
    found = model(kind)
    given = pages(8, 8)
    whole = [dataclasses.replace(page, whole_lines=True) for page in given]

    def spans(results):
        return [[(e.spans, r.page.lines[e.spans[0].line].text) for e in r.entities] for r in results]

    def is_whole(spans, text):
        return len(spans) == 1 and (spans[0].start, spans[0].end) == (0, len(text))

    assert not all(is_whole(*entity) for page in spans(found.predict(given)) for entity in page)
    of_lines = spans(found.predict(whole))
    assert all(is_whole(*entity) for page in of_lines for entity in page)
    assert min(map(len, of_lines)) > 3
    for tags, result in zip(found.token_predictions(whole), found.predict(whole), strict=True):
        labels = {entity.spans[0].line: entity.label for entity in result.entities}
        for index, of_line in enumerate(tags):
            label, inside = labels.get(index), len(of_line) - 1
            named = [f"B-{label}"] + [f"I-{label}"] * inside
            assert of_line == (["O"] * len(of_line) if label is None else named)


def test_finding_entities_is_predicting_without_relations():
    both = model()
    assert both.find_entities(pages(5, 3)) == [list(result.entities) for result in both.predict(pages(5, 3))]


def test_given_entities_are_related_and_kept():
    text = pages(4)[0]
    entities = [whole_line(text, i, ("QUESTION", "ANSWER")[i % 2]) for i in range(8)]
    strange = Entity("SHIPPER", "x", text.lines[0].polygon, 1.0, (LineSpan(0, 0, 1),))
    blank = Entity("ANSWER", "", text.lines[0].polygon, 1.0, ())
    (result,) = model().relate([text], [[strange, *entities, blank]])
    assert result.entities == (strange, *entities, blank)
    assert result.relations
    shifted = [(r.head - 1, r.tail - 1, r.confidence) for r in result.relations]
    (plain,) = model().relate([text], [entities])
    assert shifted == [(r.head, r.tail, pytest.approx(r.confidence, abs=1e-5)) for r in plain.relations]


def test_rows_are_repaired_of_what_the_model_finds_on_lines_that_are_not_whole(monkeypatch):
    def first_alone(config, page, tokens, decoded, link):
        return decoded[:1], link(decoded[:1])

    monkeypatch.setattr("beam_kie.layoutxlm.model.repair_rows", first_alone)
    text = pages(4)[0]
    whole = dataclasses.replace(text, whole_lines=True)
    repairing, plain = model(row_repairs=True), model()
    (found,) = plain.predict([text])
    assert len(found.entities) > 1
    (repaired,) = repairing.predict([text])
    assert repaired.entities == found.entities[:1] and repaired.relations == ()
    assert same_results(repairing.predict([whole]), plain.predict([whole]))
    related = [each.relate([text], [found.entities]) for each in (repairing, plain)]
    assert same_results(*related) and related[0][0].entities == found.entities


def test_a_model_without_a_relation_head_finds_no_relations():
    alone = model({}, relation_head="none")
    text = pages(4)[0]
    assert alone.predict([text])[0].relations == ()
    entities = [whole_line(text, i, ("QUESTION", "ANSWER")[i % 2]) for i in range(8)]
    assert alone.relate([text], [entities])[0].entities == tuple(entities)


def test_a_model_without_a_token_classifier_only_relates():
    relating = model(PUBLISHED_KIND, token_classifier=False)
    text = pages(4)[0]
    entities = [whole_line(text, i, ("QUESTION", "ANSWER")[i % 2]) for i in range(8)]
    assert relating.relate([text], [entities])[0].relations
    for ask in (relating.predict, relating.find_entities, relating.token_predictions):
        with pytest.raises(ModelError, match="relations only"):
            ask([text])


def test_temperature_lowers_confidence_and_changes_no_label():
    plain, humble = model().predict(pages(6))[0], model(entity_temperature=3.0).predict(pages(6))[0]
    confidence = [np.mean([entity.confidence for entity in result.entities]) for result in (plain, humble)]
    assert confidence[1] < confidence[0]


def test_another_decoding_and_calibration_leave_the_model_as_it_is():
    plain, text = model(), pages(6)
    before = plain.predict(text)
    changed = plain.with_config(
        decoding=dataclasses.replace(plain.config.decoding, none_penalty=100.0),
        calibration=Calibration(entity_temperature=3.0),
    )
    same_settings = model(none_penalty=100.0, entity_temperature=3.0)
    assert changed.predict(text) == same_settings.predict(text) != before
    assert plain.predict(text) == before
    with pytest.raises(ConfigError, match="none_penalty"):
        model(PUBLISHED_KIND).with_config(decoding=changed.config.decoding)


def test_lines_that_are_not_known_to_be_whole_may_have_tables_of_their_own():
    (read,) = pages(6)[:1]
    whole = dataclasses.replace(read, whole_lines=True)
    third, half = ((0.0, 0.0), (1.0, 0.3)), ((0.0, 0.0), (1.0, 0.5))
    both = model(
        entity_calibration=half,
        relation_calibration=half,
        read_entity_calibration=third,
        read_relation_calibration=third,
    )
    one = model(entity_calibration=half, relation_calibration=half)
    other = model(entity_calibration=third, relation_calibration=third)

    assert both.predict([whole]) == one.predict([whole])
    assert both.predict([read]) == other.predict([read])
    assert one.predict([read]) != other.predict([read])
    entities = [one.predict([read])[0].entities]
    assert both.relate([whole], entities) == one.relate([whole], entities)
    assert both.relate([read], entities) == other.relate([read], entities)


def test_cuts_within_lines_follow_another_decoding():
    text = [page("abcdef", "ghijkl")]
    plain = model()
    together = plain.with_config(decoding=Decoding(switch_penalty=1000.0))
    assert together.token_predictions(text) == model(switch_penalty=1000.0).token_predictions(text)
    assert together.token_predictions(text) != plain.token_predictions(text)


def test_token_tags_come_by_line():
    text = page("abc", "", "de")
    (tags,) = model().token_predictions([text])
    assert [len(line_tags) for line_tags in tags] == [3, 0, 2]
    assert all(tag in model().config.tags for line_tags in tags for tag in line_tags)
    assert model().count_tokens(text) == 5


@pytest.mark.parametrize("kind", [BUNDLED_KIND, {"relation_head": "biaffine"}])
def test_labels_of_ones_own(kind):
    labels = {
        "labels": ("SHIPPER", "WEIGHT"),
        "head_labels": ("SHIPPER",),
        "tail_labels": ("SHIPPER", "WEIGHT"),
        "relation_choice": "every",
    }
    own = model({**kind, **labels})
    assert own.labels == ["SHIPPER", "WEIGHT"]
    text = pages(4)[0]
    found = {entity.label for result in own.predict(pages(9, 9)) for entity in result.entities}
    assert found <= {"SHIPPER", "WEIGHT"}
    assert found
    entities = [whole_line(text, i, ("SHIPPER", "WEIGHT", "QUESTION")[i % 3]) for i in range(8)]
    (result,) = own.relate([text], [entities])
    pairs = {(entities[r.head].label, entities[r.tail].label) for r in result.relations}
    assert pairs == {("SHIPPER", "SHIPPER"), ("SHIPPER", "WEIGHT")}
    assert all(relation.head != relation.tail for relation in result.relations)


def test_on_a_cpu_a_page_gives_the_same_bits_whatever_is_read_beside_it():
    made = KieModel(small_network(**BUNDLED_KIND), character_tokenizer(), dtype=torch.bfloat16)
    pages = [page("name Anna", "total 5"), page("name", "Anna", "street 7"), page("5")]
    assert made.predict(pages) == [made.predict([text])[0] for text in pages]


def test_a_page_is_encoded_once_for_several_ways_of_deciding():
    text = pages(5)
    reader = KieModel(small_network(3, **BUNDLED_KIND), character_tokenizer())
    cool = reader.with_config(calibration=Calibration(2.0, 0.5))
    free = reader.with_config(decoding=dataclasses.replace(reader.config.decoding, switch_penalty=9.0))
    encoded = reader.encode(text)
    for one in (reader, cool, free):
        assert one.decide(encoded) == one.predict(text)
    entities = [result.entities for result in reader.predict(text)]
    assert cool.relate_encoded(encoded, entities) == cool.relate(text, entities)
