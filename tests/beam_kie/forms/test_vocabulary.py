import pytest

from beam_kie.forms import KINDS, LANGUAGES
from beam_kie.forms.fields import COLUMNS, FIELDS, TABLES
from beam_kie.forms.kinds import BUSINESS_FILLERS, FILLERS, RECIPES
from beam_kie.forms.page import Page
from beam_kie.forms.vocabulary import load


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_words_of_every_kind(language):
    words = load(language)
    for kind in KINDS:
        assert words.words("titles", kind)
        for step in RECIPES[kind] + FILLERS + BUSINESS_FILLERS:
            assert not step.section or words.words("sections", step.section), (kind, step.section)


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_fields_have_a_key_in_every_language(language):
    missing = [name for name in FIELDS if not load(language).has("keys", name)]
    assert len(missing) <= 7, missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_a_head(language):
    assert all(load(language).has("columns", name) for name in COLUMNS)


def test_recipes_name_only_what_exists():
    for kind, steps in RECIPES.items():
        assert kind in KINDS
        for step in steps:
            assert callable(getattr(Page, step.what))
            if step.what == "fields":
                assert set(step.names) <= set(FIELDS)
            if step.what == "table":
                assert set(step.names) <= set(TABLES)
            if step.what == "choices":
                assert all(load("en").has("option_keys", n) for n in step.names if n != "political")


@pytest.mark.parametrize("language", LANGUAGES)
def test_questions_say_what_they_are_answered_with(language):
    for line in load(language).words("texts", "questions"):
        question, _, answer = line.rpartition(" = ")
        assert question
        assert answer == "open" or load(language).has("options", answer)


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="vocabulary"):
        load("xx")
