import random
from dataclasses import replace

from beam_kie.forms import LANGUAGES
from beam_kie.forms.domain_content import DomainContent
from beam_kie.forms.model import OTHER
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme
from beam_kie.forms.written import Written, sheet_words


def page_of(height):
    rng = random.Random(2)
    content = DomainContent.load("en", "survey", rng, None)
    theme = replace(make_theme(rng, content.words, "funsd", noto_only=True), paragraph_lines=False)
    sheet = Sheet(400, height, theme, rng, margin=20)
    return Written(sheet, content, "survey"), sheet


def test_words_are_those_of_the_language():
    page, _ = page_of(500)
    assert page.word("fax") in sheet_words("en")["fax"]
    assert all(sheet_words(language)["roles"] for language in LANGUAGES)


def test_sentences_belong_to_no_key_and_stand_only_where_they_fit():
    page, sheet = page_of(500)
    page.say("We confirm the following details.", 6.0)
    (entry,) = sheet.finish("en", "made", 0, 72).entries
    assert (entry.label, entry.text) == (OTHER, "We confirm the following details.")
    page, sheet = page_of(70)
    page.say("We confirm the following details. " * 40)
    assert sheet.entries == 0


def test_sections_are_those_of_the_domain():
    page, sheet = page_of(700)
    page.own_fields(3, 5)
    assert sheet.entries > 2
