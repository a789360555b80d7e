import random
import re

import pytest

from beam_kie.forms import LANGUAGES
from beam_kie.forms.content import Content
from beam_kie.forms.fields import FIELDS
from beam_kie.forms.makers import _ID_WEIGHTS
from beam_kie.forms.tables import goods_table, make_table


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_gets_a_value(language):
    for seed in range(5):
        content = Content(language, random.Random(seed))
        for name in FIELDS:
            made = content.field(name)
            if made is None:
                continue
            assert made.key
            assert made.filled
            texts = made.values + [word for word, _ in made.options]
            assert all(text and "{" not in text and "#" not in text for text in texts), (name, texts)


def test_a_field_left_empty_has_a_key_only():
    made = Content("en", random.Random(1)).field("address", filled=False)
    assert made.key
    assert not made.filled


def test_the_applicant_stays_the_same():
    content = Content("it", random.Random(3))
    assert content.field("name").values == content.field("account_name").values == [content.applicant]


def test_mails_and_sites_use_domains_reserved_for_examples():
    for seed in range(30):
        content = Content("es", random.Random(seed))
        assert re.search(r"@(example\.(com|org|net)|\w+\.example)$", content.email())
        assert content.website().endswith(".example")


def test_chinese_identity_numbers_never_pass_their_check():
    for seed in range(200):
        number = Content("zh", random.Random(seed)).id_number()
        assert len(number) == 18
        total = sum(int(d) * w for d, w in zip(number[:17], _ID_WEIGHTS, strict=True))
        assert "10X98765432"[total % 11] != number[17]


@pytest.mark.parametrize(("language", "text"), [("de", "1.234,50"), ("en", "1,234.50"), ("fr", "1 234,50")])
def test_numbers_have_the_languages_separators(language, text):
    assert Content(language, random.Random(0)).number(1234.5) == text


def test_periods_go_forward():
    content = Content("en", random.Random(4))
    for _ in range(50):
        first, last = content.month_span()
        assert int(re.search(r"\d{4}$|\d{2}$", first)[0]) < int(re.search(r"\d{4}$|\d{2}$", last)[0])


def test_invoices_add_up():
    content = Content("en", random.Random(5))
    table = goods_table(content, 6, prices=True)
    amounts = [float(row[table.aligns.index("right") + 2].replace(",", "")) for row in table.rows]
    subtotal = re.sub(r"[^\d.]", "", table.totals[0][1])
    assert sum(amounts) == pytest.approx(float(subtotal), abs=0.02)


def test_tables_have_as_many_cells_as_heads():
    for name in ("education", "work", "family", "expense", "medication"):
        table = make_table(Content("pt", random.Random(6)), name, 4, 2, 0.2)
        assert len(table.rows) == 6
        assert all(len(row) == len(table.heads) == len(table.aligns) for row in table.rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_somebody_elses_field_says_whose_it_is(language):
    content = Content(language, random.Random(7))
    own = content.words.words("keys", "phone")
    made = content.role_field("phone")
    assert made.key not in own
    assert any(role.lower() in made.key.lower() for role in content.words.words("roles", "person"))
