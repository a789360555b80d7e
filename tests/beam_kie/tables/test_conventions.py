import pytest

from beam_kie.tables.conventions import DateOrder, ValueOptions, page_convention


@pytest.mark.parametrize(
    ("texts", "day_first"),
    [
        ([], None),
        (["Name: Li", "Date: 03/04/2021"], None),
        (["Date: 25/03/2021, due 03/04/2021"], True),
        (["Date: 03/25/2021"], False),
        (["03/25/2021", "25/03/2021"], None),
        # other dates come before the language
        (["Rechnung", "Datum: 03/25/2021"], False),
        (["Rechnung Nr. 5", "Datum: 3/4/2021"], True),
        (["RECHNUNG", "Rechnung"], None),
        (["City, State, ZIP", "SSN"], False),
        (["ZIP", "SSN", "Fecha", "Importe"], None),
        # not dates
        (["99/99/2021", "45/03/2021", "1/25/03/2021"], None),
    ],
)
def test_a_page_tells_whether_days_come_first(texts, day_first):
    assert page_convention(texts).day_first is day_first


@pytest.mark.parametrize(
    ("texts", "date_order", "day_first"),
    [
        (["Date: 03/04/2021"], DateOrder.DMY, True),
        (["Date: 03/04/2021"], DateOrder.MDY, False),
        (["Date: 03/04/2021"], DateOrder.YMD, None),
        # the user is asked before the language, but behind the dates
        (["Rechnung", "Datum"], DateOrder.MDY, False),
        (["25/03/2021"], DateOrder.MDY, True),
        (["03/25/2021", "25/03/2021"], DateOrder.DMY, None),
    ],
)
def test_the_user_decides_where_no_date_does(texts, date_order, day_first):
    assert page_convention(texts, ValueOptions(date_order=date_order)).day_first is day_first


def test_unknown_currencies_are_refused():
    assert ValueOptions(currency="CAD").currency == "CAD"
    for wrong in ("cad", "EURO", "XXX", ""):
        with pytest.raises(ValueError, match=r"^currency: .*ISO 4217"):
            ValueOptions(currency=wrong)
