"""Networks that see where characters stand and which lines share a ruled cell."""

import dataclasses

import pytest
import torch

from beam_kie.document import RuledCell
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.training.weights.starting import start_from
from tests.small_networks import (
    LAYOUT_KIND,
    STRIPS_KIND,
    character_tokenizer,
    form,
    same_results,
    save_model,
    small_config,
    small_network,
    with_strips,
)


def ruled(text):
    """Every line in a cell of its own, but for the first two, which share one."""
    boxes = [each.box for each in text.lines]
    boxes = [(*boxes[0][:2], *boxes[1][2:]), *boxes[2:]]
    return dataclasses.replace(text, cells=tuple(RuledCell(box, 1.0) for box in boxes))


def with_gap(text):
    """Characters of every line at its left end, but for the last."""

    def seen(each):
        count = len(each.text)
        spans = [(0.3 * i / count, 0.3 * (i + 1) / count) for i in range(count - 1)] + [(0.9, 1.0)]
        return dataclasses.replace(each, char_spans=tuple(spans))

    return dataclasses.replace(text, lines=tuple(seen(each) for each in text.lines))


def model(network):
    return KieModel(network, character_tokenizer(), dtype=torch.float32)


def test_a_trained_network_begins_as_it_was(tmp_path):
    start = small_network(**STRIPS_KIND, grouping_head=True)
    folder = save_model(tmp_path / "start", start)
    network = LayoutXLM(small_config(**LAYOUT_KIND))
    start_from(network, folder)
    pages = [ruled(with_strips(form(4))), ruled(form(6, seed=2))]
    found, wanted = model(network).predict(pages), model(start).predict(pages)
    assert any(result.entities for result in wanted)
    assert same_results(found, wanted)


@pytest.mark.parametrize("change", [ruled, with_gap])
def test_what_is_seen_of_the_layout_shows_in_the_output(change):
    text = form(5)
    sees = model(small_network(**LAYOUT_KIND))
    assert not same_results(sees.predict([text]), sees.predict([change(text)]))


def test_networks_without_it_do_not_look_at_the_layout():
    text = form(5)
    network = model(small_network(**STRIPS_KIND, grouping_head=True))
    found, wanted = network.predict([ruled(text)]), network.predict([text])
    assert same_results(found, wanted)


def test_pages_of_several_windows_keep_their_layout():
    text = ruled(with_gap(form(12)))
    whole = model(small_network(**LAYOUT_KIND))
    parts = model(small_network(**LAYOUT_KIND, window_tokens=60, window_overlap_tokens=20))
    assert whole.count_tokens(text) > 60
    assert len(parts.predict([text])[0].entities) > 0
    assert not same_results(parts.predict([text]), parts.predict([form(12)]))
