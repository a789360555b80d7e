import pytest

from beam_kie.forms.domains import (
    COMMON,
    DomainError,
    Value,
    domain_names,
    load_domain,
    parse_domain,
    parse_value,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("money", Value("named", name="money")),
        ("Yes|No", Value("options", words=("Yes", "No"))),
        ("red; blue", Value("samples", words=("red", "blue"))),
        ("2-90 kg", Value("range", low=2, high=90, unit="kg")),
        ("0.5-3.25%", Value("range", low=0.5, high=3.25, decimals=2, unit="%")),
        ("INV-#####", Value("code", words=("INV-#####",))),
    ],
)
def test_values_are_told_apart(text, value):
    assert parse_value(text) == value


@pytest.mark.parametrize("text", ["moneys", "a;;b", "Yes|", "9-2", ""])
def test_what_is_no_value_is_refused(text):
    with pytest.raises(DomainError):
        parse_value(text)


def test_a_file_is_read_as_it_is_written():
    text = "notes = '''\nRead this.\n'''\n[sections]\n\"A|B\" = '''\nName|Full name = name\n'''\n"
    domain = parse_domain("en", "made", text)
    assert domain.notes == ("Read this.",)
    (group,) = domain.sections
    assert group.headings == ("A", "B")
    assert list(domain.key_texts()) == ["Name", "Full name"]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "other = ''",
        "notes = '''\na\n\nb\n'''",
        "[sections]\n\"A\" = '''\nName\n'''",
        "[sections]\n\"A\" = '''\nName|| = name\n'''",
        "[tables]\n\"A\" = '''\n'''",
    ],
    ids=["no TOML", "entry", "empty line", "no value", "empty wording", "no keys"],
)
def test_a_file_that_cannot_be_read_is_named(text):
    with pytest.raises(DomainError, match=r"en/made\.toml"):
        parse_domain("en", "made", text)


def test_common_is_not_among_the_domains():
    assert COMMON not in domain_names("en")
    assert load_domain("en", COMMON).sections


def test_unknown_domains_are_refused_and_unknown_languages_have_none():
    with pytest.raises(ValueError, match="nonsense"):
        load_domain("en", "nonsense")
    assert domain_names("xx") == ()
