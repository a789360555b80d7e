import pytest

from beam_kie.tables.key_kinds import KeyKind, kind_of_key


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("", None),
        ("Total", None),
        ("Number of pages", None),
        ("No. of items:", None),
        ("Número de hijos", None),
        ("Nombre de pages", None),
        ("Anzahl", None),
        ("Invoice number", KeyKind.IDENTIFIER),
        ("Kundennummer:", KeyKind.IDENTIFIER),
        ("Número de teléfono", KeyKind.IDENTIFIER),
        ("N° de commande", KeyKind.IDENTIFIER),
        ("発注番号", KeyKind.IDENTIFIER),
        ("联系电话", KeyKind.IDENTIFIER),
        ("No.", KeyKind.ITEM),
        ("IP address", KeyKind.VERSION),
        ("Version", KeyKind.VERSION),
        ("Uhrzeit", KeyKind.TIME),
    ],
)
def test_keys_whose_values_are_no_quantities(key, kind):
    assert kind_of_key(key) is kind
