import pytest

from beam_kie.tables.normalise import AMOUNT, CHECKBOX, DATE, NUMBER, VALUE_TYPES, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-03-04", "2021-03-04"),
        ("2021/3/4", "2021-03-04"),
        ("2021. 3. 4", "2021-03-04"),
        ("2021年3月4日", "2021-03-04"),
        ("2021 年 03 月 04 号", "2021-03-04"),
        ("２０２１年３月４日", "2021-03-04"),
        ("2021년 3월 4일", "2021-03-04"),
        ("令和元年5月1日", "2019-05-01"),
        ("平成30年3月4日", "2018-03-04"),
        ("昭和64年1月7日", "1989-01-07"),
        ("04.03.2021", "2021-03-04"),
        ("4. 3. 2021", "2021-03-04"),
        ("25/03/2021", "2021-03-25"),
        ("03/25/2021", "2021-03-25"),
        ("25-03-2021", "2021-03-25"),
        ("05/05/2021", "2021-05-05"),
        ("4 March 2021", "2021-03-04"),
        ("March 4, 2021", "2021-03-04"),
        ("Mar. 4th 2021", "2021-03-04"),
        ("04-MAR-2021", "2021-03-04"),
        ("4. März 2021", "2021-03-04"),
        ("1er février 2021", "2021-02-01"),
        ("4 de marzo de 2021", "2021-03-04"),
        ("4 marzo 2021", "2021-03-04"),
        ("4 de março de 2021", "2021-03-04"),
        ("29.02.2020", "2020-02-29"),
    ],
)
def test_dates(text, expected):
    found = normalise(text)
    assert (found.type, found.text, found.currency) == (DATE, expected, None)


@pytest.mark.parametrize(
    ("text", "expected", "currency"),
    [
        ("$1,234.50", "1234.50", None),
        ("US$ 1,234", "1234", "USD"),
        ("$5 USD", "5", "USD"),
        ("-$5.00", "-5.00", None),
        ("£1,234", "1234", "GBP"),
        ("€ 12,50", "12.50", "EUR"),
        ("1.234,50 €", "1234.50", "EUR"),
        ("1 234,50 EUR", "1234.50", "EUR"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("R$ 1.234,56", "1234.56", "BRL"),
        ("￥1,234.00", "1234.00", None),
        ("¥1,234.00元", "1234.00", "CNY"),
        ("人民币1,234元整", "1234", "CNY"),
        ("500元", "500", None),
        ("12,000円", "12000", "JPY"),
        ("₩5,000", "5000", "KRW"),
    ],
)
def test_amounts(text, expected, currency):
    found = normalise(text)
    assert (found.type, found.text, found.currency) == (AMOUNT, expected, currency)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("42", "42"),
        ("４２", "42"),
        ("-12.5", "-12.5"),
        ("−3", "-3"),
        ("12,5", "12.5"),
        ("0,125", "0.125"),
        ("1,234.5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("1 234,5", "1234.5"),
        ("1'234'567", "1234567"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("3.14159", "3.14159"),
    ],
)
def test_numbers(text, expected):
    found = normalise(text)
    assert (found.type, found.text) == (NUMBER, expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("☑", "true"), ("√", "true"), ("[x]", "true"), ("□", "false")]
)
def test_check_boxes(text, expected):
    found = normalise(text)
    assert (found.type, found.text) == (CHECKBOX, expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "李雷",
        "Müller",
        "X",
        "☑ yes □ no",
        # dates that may be two dates, or none
        "03/04/2021",
        "4/3/21",
        "2021年3月",
        "31.02.2021",
        "2021-13-01",
        "2021-3/4",
        "March 2021",
        "2020.1.1-2021.1.1",
        "3021-01-01",
        # numbers that may be two numbers, or names of something
        "1,234",
        "1.234",
        "€1,234",
        "1,23,456",
        "1,234.567,8",
        "007",
        "13812345678",
        "612 345 678",
        "192.168.1.1",
        "12 kg",
        "50%",
        "5²",
        "①",
        "½",
        "٣٤",
        "5万元",
        "$ €5",
        "--5",
    ],
)
def test_what_can_be_read_in_two_ways_or_none_stays_as_it_is(text):
    assert normalise(text) is None


def test_types_are_those_that_the_tables_document():
    assert {normalise(text).type for text in ("2021-03-04", "5 €", "5", "☐")} == set(VALUE_TYPES)
