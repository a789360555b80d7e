"""Where training pages come from."""

import random

import pytest

from beam_kie.forms import generate_layout
from beam_kie.training.data.pages import PageSource, form_lines, text_page
from beam_kie.training.planning.plan import make_plan
from beam_kie.training.settings import Settings
from tests.small_networks import character_tokenizer


@pytest.mark.parametrize("language", ["zh", "en", "ja", "de"])
def test_lines_of_a_generated_form_hold_every_entity_and_only_its_characters(language):
    layout = generate_layout(language, 3)
    held: dict[int, str] = {}
    for line in form_lines(layout):
        for char, owner in zip(line.text, line.owners, strict=True):
            if owner is not None:
                held[owner] = held.get(owner, "") + char
    expected = {e.id: e.text for e in layout.entries if e.label != "OTHER"}
    assert held.keys() == expected.keys()
    for number, text in expected.items():
        assert sorted(held[number].replace(" ", "")) == sorted(text.replace(" ", ""))


def test_generated_forms_and_text_are_drawn_by_their_shares(tmp_path):
    (tmp_path / "text.txt").write_text("some words of running text\n" * 50)
    texts = (str(tmp_path / "text.txt"),)
    settings = Settings(output="", texts=texts, text_share=0.3, synthetic_share=0.7)
    source, rng = PageSource(make_plan(settings, character_tokenizer())), random.Random(0)
    drawn = [source.draw(rng) for _ in range(60)]
    supervised = [page for page, learn in drawn if learn]
    assert 30 <= len(supervised) <= 54
    assert all(page.labels and page.relations for page in supervised)
    assert all(not page.labels for page, learn in drawn if not learn)


@pytest.mark.parametrize("seed", range(5))
def test_text_pages_lie_on_the_page(seed):
    page = text_page(["word " * 30] * 60, random.Random(seed))
    assert page.lines
    for line in page.lines:
        assert 0 <= line.box[0] <= line.box[2] <= page.width_px
        assert 0 <= line.box[1] <= line.box[3] <= page.height_px
