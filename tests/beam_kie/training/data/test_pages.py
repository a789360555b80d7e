"""Where training pages come from."""

import json
import random

import pytest

from beam_kie.forms import LANGUAGES, generate_layout
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, write_paddleocr
from beam_kie.labelled.sources import LabelledSource
from beam_kie.training.data import pages
from beam_kie.training.data.pages import PageSource, form_lines, text_page
from beam_kie.training.planning.plan import make_plan
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.settings import Settings
from tests.labelled_forms import FORM
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


def test_all_readings_of_a_page_are_drawn(tmp_path):
    polygon = box_polygon((100, 100, 200, 120))
    labels = LabelledPage("p.jpg", 1000, 1000, (LabelledEntry(0, "name", "QUESTION", polygon),))
    write_paddleocr(tmp_path / "labels.txt", [labels])
    for name, text in (("one", "nane"), ("two", "narne")):
        line = {"text": text, "polygon": polygon, "char_spans": [[0, 1]] * len(text)}
        record = {"uri": "p.jpg", "page": 1, "width": 1000, "height": 1000, "lines": [line]}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    source = LabelledSource(
        str(tmp_path / "labels.txt"),
        ocr_lines=str(tmp_path / "one.jsonl"),
        more_ocr_lines=(str(tmp_path / "two.jsonl"),),
    )
    settings = Settings(output="", sources=(source,), views=(0.0, 0.0, 1.0))
    drawn, rng = PageSource(make_plan(settings, character_tokenizer())), random.Random(0)
    lines = [line for _ in range(20) for line in drawn.draw(rng)[0].lines]
    assert {line.text for line in lines} == {"nane", "narne"}
    assert all(len(line.char_spans or ()) == len(line.text) for line in lines)


def test_a_reading_that_is_not_there_is_named(tmp_path):
    write_paddleocr(tmp_path / "labels.txt", [FORM])
    source = LabelledSource(str(tmp_path / "labels.txt"), more_ocr_lines=("none.jsonl",))
    with pytest.raises(SettingsError, match=r"sources\[0\].more_ocr_lines\[0\]: none.jsonl"):
        make_plan(Settings(output="", sources=(source,)), character_tokenizer())


def drawn_kinds(monkeypatch, count, **settings):
    """How many of ``count`` pages are forms of a domain, and in which languages forms are."""
    drawn = []
    for name in ("generate_layout", "generate_domain_layout"):
        real = getattr(pages, name)
        monkeypatch.setattr(pages, name, lambda *args, real=real: drawn.append(real(*args)) or drawn[-1])
    source, rng = PageSource(make_plan(Settings("", **settings), character_tokenizer())), random.Random(0)
    made = [source.draw(rng)[0] for _ in range(count)]
    assert all(page.labels and page.relations for page in made)
    return sum(layout.kind.startswith("domain:") for layout in drawn), {layout.language for layout in drawn}


def test_domain_share_of_the_generated_forms_are_of_domains_in_all_languages(monkeypatch):
    of_domains, languages = drawn_kinds(monkeypatch, 40, synthetic_share=1.0, domain_share=0.5)
    assert 12 <= of_domains <= 28
    assert languages == set(LANGUAGES)


def test_only_forms_of_domains_are_drawn_where_they_are_all_that_is_asked_for(monkeypatch):
    assert drawn_kinds(monkeypatch, 6, synthetic_share=1.0, domain_share=1.0)[0] == 6


def test_without_domains_forms_are_drawn_as_before_there_were_domains():
    settings = Settings("", synthetic_share=1.0, domain_share=0.0, synthetic_languages=("de",))
    page, _ = PageSource(make_plan(settings, character_tokenizer())).draw(random.Random(5))
    rng = random.Random(5)
    rng.random()
    layout = generate_layout(rng.choice(("de",)), rng.randrange(2**31))
    assert set(page.labels) == {entry.id for entry in layout.entries if entry.label != "OTHER"}
    assert page.width_px == layout.width_px
