import pytest

from beam_kie.fields.definitions import Choose, FieldType
from beam_kie.fields.files import READY_MADE, FieldFileError, parse_fields, ready_made
from beam_kie.fields.keys import KeyMatcher
from beam_kie.fields.records import records_schema

WHOLE = """
doubtful_below = 0.5

[fields.number]
type = "text"
keys = ["Invoice no.", "Rechnungsnummer"]
regex = 'inv.*'
required = true
choose = "first"
section = "Details"
page = -1
fuzzy = false

[fields.items]
type = "list"
of = "amount"
keys = "Amount"

[fields.day]
type = "date"
keys = "Delivery date"
weak_keys = ["Date"]
years = [1990, 2049]

[fields.buyer]
type = "text"
keys = "Buyer"
value_regex = ['.*gmbh', ".*ltd"]
multiline = true
"""


def parsed(text: str):
    return parse_fields(text.encode(), "fields.toml")


def error_of(text: str) -> str:
    with pytest.raises(FieldFileError) as error:
        parsed(text)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("fields.toml: ")
    return str(error.value)


def test_everything_that_a_field_can_say_is_read():
    file = parsed(WHOLE)
    number, items, day, buyer = file.fields
    assert file.doubtful_below == 0.5
    assert (number.name, number.type, number.of) == ("number", FieldType.TEXT, FieldType.TEXT)
    assert number.keys == ("Invoice no.", "Rechnungsnummer")
    assert number.patterns[0].fullmatch("INVOICE")
    assert (number.required, number.choose, number.section) == (True, Choose.FIRST, ("Details",))
    assert (number.page, number.fuzzy) == (-1, None)
    assert (items.is_list, items.of, items.keys) == (True, FieldType.AMOUNT, ("Amount",))
    assert (day.weak_keys, day.years) == (("Date",), (1990, 2049))
    assert (buyer.multiline, number.multiline) == (True, False)
    assert buyer.value_pattern is not None and buyer.value_pattern.fullmatch("Orion LTD")
    assert not buyer.value_pattern.fullmatch("Orion")
    assert file.required == ("number",)


FIELD = '[fields.total]\ntype = "amount"\nkeys = ["Total"]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["[fields."]),
        ("not toml", ["TOML"]),
        ('[fields.total]\nkeys = ["Total"]', ["'total'", "type", "amount"]),
        ('[fields.total]\ntype = "amonut"\nkeys = ["Total"]', ["'total'", "did you mean amount"]),
        ('[fields.total]\ntype = "text"', ["'total'", "keys", "regex"]),
        (FIELD + "requird = true", ["'total'", "requird", "did you mean required"]),
        (FIELD + 'required = "yes"', ["'total'", "true or false"]),
        (FIELD + "regex = '('", ["'total'", "regular expression"]),
        (FIELD + "value_regex = '('", ["'total'", "value_regex", "regular expression"]),
        (FIELD + "years = [1990, 2049]", ["'total'", "years", "dates"]),
        ('[fields.a]\ntype = "date"\nkeys = "A"\nyears = [2049, 1990]', ["'a'", "years", "[1990, 2050]"]),
        ('[fields.a]\ntype = "date"\nkeys = "A"\nyears = 1990', ["'a'", "years", "[1990, 2050]"]),
        (FIELD + "multiline = true", ["'total'", "multiline", "text"]),
        (FIELD + "page = 0", ["'total'", "page"]),
        (FIELD + "page = true", ["'total'", "page"]),
        (FIELD + "fuzzy = 85", ["'total'", "fuzzy", "0 to 1"]),
        (FIELD + 'of = "text"', ["'total'", "list"]),
        (FIELD + 'choose = "biggest"', ["'total'", "largest"]),
        ('[fields.name]\ntype = "text"\nkeys = ["A"]\nchoose = "largest"', ["'name'", "largest", "amount"]),
        ('[fields.name]\ntype = "text"\nregex = "a"\nchoose = "key_order"', ["'name'", "key_order", "keys"]),
        ('[fields.a]\ntype = "list"\nof = "list"\nkeys = ["A"]', ["'a'", "of"]),
        ('[fields.a]\ntype = "list"\nkeys = ["A"]\nchoose = "first"', ["'a'", "choose"]),
        ('[fields.a]\ntype = "text"\nkeys = [1]', ["'a'", "keys"]),
        ('[fields.a]\ntype = "text"\nkeys = [" "]', ["'a'", "keys"]),
        ('[fields."a b"]\ntype = "text"\nkeys = ["A"]', ["'a b'", "name"]),
        ('[fields.status]\ntype = "text"\nkeys = ["A"]', ["'status'"]),
        (FIELD + FIELD.replace("total", "Total"), ["'Total'", "'total'"]),
        (FIELD + FIELD.replace("total", "total_currency"), ["'total_currency'", "'total'"]),
        (FIELD + FIELD.replace("total", "total_source"), ["'total_source'", "'total'"]),
        ("fields = 3", ["[fields."]),
        ("[fields]\ntotal = 3", ["'total'", "[fields.total]"]),
        ("doubtful_below = 2\n" + FIELD, ["doubtful_below", "0 to 1"]),
        ("doubtfull_below = 0.2\n" + FIELD, ["did you mean doubtful_below"]),
        ('extends = "invoce"\n' + FIELD, ["did you mean invoice"]),
        ('extends = "invoice"\nfields = 3', ["[fields."]),
    ],
)
def test_a_mistake_is_one_line_with_the_place_and_what_is_possible(text, told):
    message = error_of(text)
    for words in told:
        assert words in message


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(FieldFileError, match="UTF-8"):
        parse_fields(b"\xff\xfe[", "fields.toml")


def test_keys_of_a_file_that_is_extended_count_behind_those_of_the_own():
    file = parsed(
        'extends = "invoice"\n[fields.total]\nkeys = ["Endpreis"]\nrequired = false\n'
        + """
[fields.project]
type = "text"
keys = ["Project"]
"""
    )
    fields = {field.name: field for field in file.fields}
    base = {field.name: field for field in ready_made("invoice").fields}
    assert set(fields) == {*base, "project"}
    assert fields["total"].keys == ("Endpreis", *base["total"].keys)
    assert (fields["total"].required, base["total"].required) == (False, True)
    assert fields["total"].type is FieldType.AMOUNT
    assert fields["due_date"] == base["due_date"]


def test_the_digest_follows_the_fields_and_not_the_form_of_the_file():
    same = "# a comment\n" + FIELD.replace("\ntype", "\n\ntype")
    assert parsed(same).digest == parsed(FIELD).digest
    assert parsed(FIELD + "required = true").digest != parsed(FIELD).digest
    assert parsed("doubtful_below = 0.1\n" + FIELD).digest != parsed(FIELD).digest


LANGUAGES = {
    "invoice": ("发票号码", "請求書番号", "Invoice no.", "Rechnungsnummer", "N° de facture", "Nº de factura",
                "Número da fatura", "Numero fattura"),
    "receipt": ("收据号", "領収書番号", "Receipt no.", "Quittungsnummer", "Reçu n°", "Recibo n.º",
                "Número do recibo", "Numero ricevuta"),
    "delivery_note": ("送货单号", "納品書番号", "Delivery note no.", "Lieferscheinnummer", "Bon de livraison",
                      "Albarán n.º", "Guia de remessa", "Numero DDT"),
    "application": ("姓名", "氏名", "Full name", "Vor- und Nachname", "Nom et prénom", "Nombre y apellidos",
                    "Nome completo", "Cognome e nome"),
}  # fmt: skip


@pytest.mark.parametrize("name", READY_MADE)
def test_ready_made_files_know_their_first_field_in_eight_languages(name):
    file = ready_made(name)
    matcher = KeyMatcher(file.fields[0])
    assert all(matcher.match(f"{key}:") for key in LANGUAGES[name])
    assert records_schema(file).names
