import pytest

from beam_kie.choices.choosing import with_choices
from beam_kie.fields.candidates import PageReader
from beam_kie.fields.files import parse_fields
from beam_kie.tables.rows import page_tables
from tests import pages

FILE = parse_fields(
    b"""
[fields.chosen]
type = "text"
keys = ["Marital status"]

[fields.all]
type = "list"
keys = ["Marital status"]

[fields.married]
type = "checkbox"
keys = ["Married"]

[fields.smoker]
type = "checkbox"
keys = ["Do you smoke?"]
""",
    "fields.toml",
)


def values(key, *options):
    """The values of fields by name, on a page with a key and its options."""
    form = [("QUESTION", key, (100, 100, 300, 130))]
    links = []
    for place, option in enumerate(options):
        form.append(("ANSWER", option, (400 + 200 * place, 100, 560 + 200 * place, 130)))
        links.append((0, place + 1, 0.9))
    rows = page_tables(with_choices(pages.result(form=form, links=links)), pages.PROVENANCE)
    found = PageReader(FILE).candidates(rows["key_values"], rows["entities"])
    return {name: [each.value for each in candidates] for name, candidates in found.items()}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("□ Single", "☑ Married"), {"chosen": ["Married"], "all": ["Married"], "married": [True]}),
        (("☑ Single", "□ Married"), {"chosen": ["Single"], "all": ["Single"], "married": [False]}),
        (("□ Single", "□ Married"), {"married": [False]}),
        (("○ Single", "● Married"), {"chosen": ["Married"], "all": ["Married"], "married": [True]}),
        (("Married",), {"chosen": ["Married"], "all": ["Married"]}),
    ],
)
def test_ticked_options_are_the_values_of_their_key_and_each_a_checkbox(options, expected):
    assert values("Marital status", *options) == expected


@pytest.mark.parametrize(
    ("options", "smoker"),
    [(("● Yes", "○ No"), [True]), (("○ Yes", "● No"), [False]), (("○ Yes", "○ No"), None)],
)
def test_of_yes_and_no_the_ticked_one_counts(options, smoker):
    assert values("Do you smoke?", *options).get("smoker") == smoker


def test_a_key_with_a_mark_and_no_value_is_a_checkbox():
    assert values("☑ Married") == {"married": [True]}
