import datetime
from decimal import Decimal

import pytest

from beam_kie.fields.candidates import Candidate
from beam_kie.fields.choosing import FieldDoubt, Gap, choose, choose_all
from beam_kie.fields.definitions import Choose, Field, FieldFile, FieldType


def field(type_: str = "amount", choose_: str = "most_confident", **more) -> Field:
    kind = FieldType(type_)
    return Field("a", kind, ("A", "B"), of=more.pop("of", kind), choose=Choose(choose_), **more)


def candidate(
    value, confidence=0.9, page=1, pair=0, order=0, score=1.0, text: str | None = "text"
) -> Candidate:
    return Candidate(page, pair, "A", score, order, confidence, text, value)


TOTALS = [
    candidate(Decimal(5), 0.90, page=1, pair=3, order=1),
    candidate(Decimal(9), 0.70, page=2, pair=1, order=0),
    candidate(Decimal(1), 0.65, page=3, pair=0, order=1),
]


@pytest.mark.parametrize(
    ("choose_", "value"),
    [
        ("most_confident", 5),
        ("first", 5),
        ("last", 1),
        ("largest", 9),
        ("smallest", 1),
        ("key_order", 9),
    ],
)
def test_one_of_several_is_chosen_as_the_field_says(choose_, value):
    for candidates in (TOTALS, TOTALS[::-1]):
        chosen = choose(field(choose_=choose_), candidates, 0.5)
        assert chosen.values == [value]
        assert chosen.doubt is None


def test_the_latest_date_is_the_largest():
    days = [candidate(datetime.date(2021, month, 1)) for month in (3, 7, 5)]
    assert choose(field("date", "largest"), days, 0.5).values == [datetime.date(2021, 7, 1)]


def test_what_can_be_read_and_is_the_fields_own_key_comes_first():
    like = candidate(Decimal(2), 0.9, score=0.9)
    unreadable = candidate(None, 0.99)
    own = candidate(Decimal(1), 0.7)
    assert choose(field(), [like, unreadable, own], 0.5).values == [1]
    assert choose(field(choose_="first"), [like, unreadable, own], 0.5).values == [1]


def test_low_confidence_is_doubtful():
    assert choose(field(), [candidate(Decimal(1), 0.6)], 0.6).doubt is None
    assert choose(field(), [candidate(Decimal(1), 0.59)], 0.6).doubt is FieldDoubt.LOW_CONFIDENCE


def test_another_value_that_is_about_as_likely_makes_doubt():
    both = [candidate(Decimal(1), 0.9), candidate(Decimal(2), 0.85, pair=1)]
    assert choose(field(), both, 0.5).doubt is FieldDoubt.SEVERAL_VALUES
    assert choose(field(choose_="first"), both, 0.5).doubt is None
    assert choose(field(), [*both[:1], candidate(Decimal(1), 0.85, pair=1)], 0.5).doubt is None
    assert choose(field(), [*both[:1], candidate(Decimal(2), 0.7, pair=1)], 0.5).doubt is None
    assert choose(field(choose_="key_order"), both, 0.5).doubt is FieldDoubt.SEVERAL_VALUES


def test_values_that_are_as_likely_share_the_confidence():
    both = [candidate(Decimal(1), 0.9), candidate(Decimal(2), 0.9, pair=1)]
    assert choose(field(), both, 0.5).confidence == 0.45
    assert choose(field(), both[:1], 0.5).confidence == 0.9
    assert choose(field(choose_="first"), both, 0.5).confidence == 0.9


def test_a_better_key_that_cannot_be_read_makes_doubt():
    worse = candidate(Decimal(1), 0.9, order=1)
    better = candidate(None, 0.9, pair=1, order=0, text="4,926,63")
    chosen = choose(field(choose_="key_order"), [worse, better], 0.5)
    assert (chosen.values, chosen.doubt, chosen.confidence) == ([1], FieldDoubt.UNREADABLE, 0.45)
    assert choose(field(), [worse, better], 0.5).doubt is None
    beside = candidate(None, 0.9, pair=1, order=2, text="see below")
    assert choose(field(choose_="key_order"), [worse, beside], 0.5).doubt is None


def test_a_field_without_a_value_says_why():
    assert choose(field(), [], 0.5).gap is Gap.NO_KEY
    assert choose(field(), [candidate(None, text=None)], 0.5).gap is Gap.NO_VALUE
    unreadable = choose(field(), [candidate(None), candidate(None, text=None)], 0.5)
    assert (unreadable.gap, unreadable.doubt) == (Gap.UNREADABLE, FieldDoubt.UNREADABLE)
    assert (unreadable.values, unreadable.confidence) == ([], None)
    assert unreadable.sources[0].text == "text"


def test_a_list_has_all_values_in_reading_order():
    names = [candidate("c", page=2), candidate("b", pair=4), candidate("a", pair=2)]
    chosen = choose(field("list", of=FieldType.TEXT), names, 0.5)
    assert chosen.values == ["a", "b", "c"]
    assert chosen.doubt is None
    low = choose(field("list", of=FieldType.TEXT), [*names, candidate("d", 0.3, page=3)], 0.5)
    assert (low.doubt, low.confidence) == (FieldDoubt.LOW_CONFIDENCE, 0.3)
    unread = choose(field("list", of=FieldType.TEXT), [*names, candidate(None, page=3)], 0.5)
    assert (unread.values, unread.doubt) == (["a", "b", "c"], FieldDoubt.UNREADABLE)


def test_false_is_a_value():
    assert choose(field("checkbox"), [candidate(False)], 0.5).values == [False]


@pytest.mark.parametrize(
    ("page", "page_count", "value"), [(-1, 3, 1), (-2, 3, 9), (-1, 4, None), (-1, None, 1)]
)
def test_pages_can_be_counted_from_the_end(page, page_count, value):
    file = FieldFile("f", (field(page=page),), 0.5)
    (chosen,) = choose_all(file, [{"a": [each]} for each in TOTALS], page_count)
    assert chosen.values == ([] if value is None else [value])
