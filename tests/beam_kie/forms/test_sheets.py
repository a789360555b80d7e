import random
import re

import pytest

from beam_kie.forms import LANGUAGES, Look, generate_domain_layout
from beam_kie.forms.domain_check import printed
from beam_kie.forms.domains import COMMON, domain_names, load_domain
from beam_kie.forms.looks import LOOKS, pick_look
from beam_kie.forms.model import ANSWER, HEADER, OTHER, QUESTION
from beam_kie.forms.sheets import RECEIPTS
from beam_kie.forms.written import sheet_words

SPECIAL = [look for look in Look if look is not Look.FORM]


@pytest.fixture(scope="module")
def layouts():
    return {
        (look, language): generate_domain_layout(
            language, 11, "receipts" if look is Look.RECEIPT else "membership", look=look
        )
        for look in SPECIAL
        for language in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_words(language):
    words = sheet_words(language)
    assert words.keys() == sheet_words("en").keys()
    assert all(len(words[name]) == len(sheet_words("en")[name]) for name in ("fax_keys", "memo_keys"))
    assert all(text.strip() == text and text for texts in words.values() for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_keys_of_these_sheets_are_no_headings_or_options_elsewhere(language):
    others = {
        text
        for name in (COMMON, *domain_names(language))
        for text, kind in printed(load_domain(language, name))
        if kind != "key"
    }
    words = sheet_words(language)
    assert not others & {text for name in ("fax_keys", "memo_keys", "roles", "total") for text in words[name]}


def test_labels_and_links_fit_together(layouts):
    for (look, language), layout in layouts.items():
        labels = [entry.label for entry in layout.entries]
        assert {QUESTION, ANSWER, HEADER, OTHER} >= set(labels)
        assert labels.count(ANSWER) >= 2, (look, language)
        # A typed sheet may be the second page of a report.
        assert labels.count(HEADER) >= 1 or look is Look.TYPED, (look, language)
        for entry in layout.entries:
            assert entry.linking or entry.label != ANSWER
            for key, value in entry.linking:
                assert (labels[key], labels[value]) == (QUESTION, ANSWER)


def test_texts_lie_on_the_sheet(layouts):
    for layout in layouts.values():
        for entry in layout.entries:
            for piece in entry.pieces:
                xs, ys = piece.polygon[0::2], piece.polygon[1::2]
                assert 0 <= min(xs) < max(xs) <= layout.width_px + 1
                assert 0 <= min(ys) < max(ys) <= layout.height_px + 1


def test_sheets_have_their_sizes(layouts):
    for (look, _), layout in layouts.items():
        narrow, long = layout.width_px / layout.dpi, layout.height_px / layout.dpi
        if look is Look.RECEIPT:
            assert narrow < 4 and long > 1.2 * narrow
        elif look is Look.CARD:
            assert long < narrow < 5
        else:
            assert narrow > 7


def test_fax_cover_sheets_name_who_writes_to_whom(layouts):
    for language in LANGUAGES:
        layout = layouts[Look.FAX, language]
        plain = {re.sub(r"\W", "", entry.text).lower() for entry in layout.entries}
        known = {re.sub(r"\W", "", key).lower() for key in sheet_words(language)["fax_keys"]}
        assert sum(any(text.startswith(key) for text in plain) for key in known) >= 5, language


def test_only_domains_of_goods_have_receipts():
    rng = random.Random(1)
    assert Look.RECEIPT not in {pick_look(rng, receipts=False) for _ in range(200)}
    assert {pick_look(rng, receipts=True) for _ in range(200)} == set(LOOKS)
    assert set(domain_names("en")) >= RECEIPTS
