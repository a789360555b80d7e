import random

import pytest

from beam_kie.forms import LANGUAGES, domain_languages
from beam_kie.forms.domain_content import MAKERS, DomainContent
from beam_kie.forms.domains import NAMED, Key, Value, parse_domain, parse_value

WORDS = parse_domain(
    "en", "made", "notes = '''\nOwn note.\n'''\nstamps = '''\nOWN\n'''\nfree = '''\nOwn words\n'''"
)


def content(language="en", seed=1):
    domain = parse_domain(language, "made", "")
    return DomainContent(domain, domain, random.Random(seed))


def test_every_type_of_value_has_a_maker():
    assert set(MAKERS) == NAMED


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_type_of_value_is_made_in_every_language(language):
    for seed in range(3):
        made = content(language, seed)
        for name in sorted(NAMED):
            text = made.value(Value("named", name=name))
            assert text and "{" not in text and "#" not in text, (name, text)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("3-5 kg", r"[345]"),
        ("0.25-0.75", r"0\.[2-7]\d"),
        ("AB-##@", r"AB-\d\d[A-Z]"),
        ("left|right", r"left|right"),
        ("No. ##;none", r"No\. \d\d|none"),
    ],
)
def test_values_are_of_their_type(text, pattern):
    import re

    for seed in range(20):
        assert re.fullmatch(pattern, content(seed=seed).value(parse_value(text)))


def test_options_are_printed_all_and_one_is_ticked_at_most():
    field = content().key_field(Key(("Colour",), parse_value("red|green|blue")))
    assert [word for word, _ in field.options] == ["red", "green", "blue"]
    assert sum(ticked for _, ticked in field.options) <= 1
    assert not field.values


def test_a_key_left_empty_has_no_value_and_a_unit_is_not_said_twice():
    assert not content().key_field(Key(("Weight",), parse_value("1-9 kg")), filled=False).values
    assert content().key_field(Key(("Weight",), parse_value("1-9 kg"))).unit == "kg"
    assert content().key_field(Key(("Weight (kg)",), parse_value("1-9 kg"))).unit == ""


def test_wordings_do_not_come_twice_while_others_are_left():
    made, key = content(), Key(("A", "B", "C"), parse_value("text"))
    assert {made.wording(key) for _ in range(3)} == {"A", "B", "C"}


def test_notes_stamps_and_free_text_are_the_domains():
    made = DomainContent(WORDS, WORDS, random.Random(1))
    assert set(made.fresh("notes")) == {"Own note."}
    assert made.pick("texts", "stamp") == "OWN"
    assert made.text("remarks") == "Own words"
    assert made.fresh("declarations")


@pytest.mark.parametrize("language", domain_languages())
def test_amounts_in_columns_have_no_currency(language):
    text = content(language).value(Value("named", name="money"), bare=True)
    assert not set(text) - set("0123456789., '\u00a0\u202f")


def test_some_values_are_struck_out_and_written_again():
    key = Key(("Date",), parse_value("date"))
    made = [content(seed=seed) for seed in range(60)]
    fields = [made_by.key_field(key) for made_by in made for _ in range(10)]
    struck = [field for field in fields if field.struck]
    assert 3 <= len(struck) <= 60
    assert all(field.values for field in struck)


def test_some_forms_have_their_keys_in_english_too():
    key, other = Key(("Vorname",), parse_value("given")), Key(("Stufe",), parse_value("1-9"))
    made = [content("de", seed) for seed in range(80)]
    texts = [made_by.key_field(key).key for made_by in made]
    second = [text for text in texts if text != "Vorname"]
    assert 1 <= len(second) <= 25
    assert all(text.startswith("Vorname") and text.isascii() for text in second)
    assert {made_by.key_field(other).key for made_by in made} == {"Stufe"}
