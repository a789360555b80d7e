from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_kie.exports.cells import guarded, plain_value, to_text, unguarded

FORMULAS = [
    "=1+1",
    "+49 170 123",
    "-cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＠x",
    "'=1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_compute_is_guarded(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "李雷", "a=b", "-12.50", "+5", "'tis", "1-2", "12,5", "- 5 -"[1:]])
def test_other_texts_stay(text):
    assert guarded(text) == text


@given(st.text(alphabet="='+-@\t\r\n a1＝.") | st.text())
def test_a_guarded_text_is_found_again(text):
    assert unguarded(guarded(text)) == text


def test_values_are_plain():
    assert plain_value(0.949999988079071) == 0.95
    assert plain_value(65535.98828125) == 65535.99
    assert plain_value([0.10000000149011612, 2.0]) == [0.1, 2.0]
    assert (
        plain_value(datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)) == "2023-11-14T22:13:20.250000Z"
    )
    assert [to_text(value) for value in (None, True, 3, ["a", "é"], "x")] == [
        "",
        "true",
        "3",
        '["a", "é"]',
        "x",
    ]
