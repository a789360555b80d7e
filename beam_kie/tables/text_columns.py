"""The columns of key_values that follow from the texts of key and value."""

from __future__ import annotations

from beam_kie.tables.conventions import Convention
from beam_kie.tables.key_text import normalise_key
from beam_kie.tables.normalise import Doubt, interpret, readings
from beam_kie.tables.schema import Row
from beam_kie.ticks.glyphs import bullets_as_marks


def text_columns(key: str, value: str | None, convention: Convention, is_option: bool = False) -> Row:
    """The columns of key_values that follow from the texts of key and value.

    Args:
        key: text of the key; may be empty.
        value: text of the value; None where the key has none.
        convention: of the page.
        is_option: the value has a mark, ticked or not.
    """
    marked = bullets_as_marks(value) if value and is_option else value
    found = None if marked is None else interpret(marked, key, convention)
    doubt, plain = (found, None) if isinstance(found, Doubt) else (None, found)
    return {
        "key_text": key or None,
        "key_normalised": normalise_key(key) or None,
        "value_text": value or None,
        "value_type": plain.type if plain else None,
        "value_normalised": plain.text if plain else None,
        "value_currency": plain.currency if plain else None,
        "value_currency_readings": list(plain.currencies) or None if plain else None,
        "value_null_reason": doubt.value if doubt else None,
        "value_readings": list(readings(marked, key, convention)) or None if doubt and marked else None,
    }
