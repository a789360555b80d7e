import pytest

from beam_kie.escaping import is_unsafe, printable


@pytest.mark.parametrize("text", ["plain", "Müller 株式会社", "a\u3000b\xa0c", "é, e\u0301"])
def test_plain_text_stays(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("esc\x1b[31m", "esc\\x1b[31m"),
        ("a\nINFO forged", "a\\nINFO forged"),
        ("rtl\u202egnp.exe", "rtl\\u202egnp.exe"),
        ("half \udcfc", "half \\udcfc"),
        ("\x9b31m\x07\u2028", "\\x9b31m\\x07\\u2028"),
    ],
)
def test_control_characters_are_escaped(text, shown):
    assert printable(text) == shown
    assert not any(is_unsafe(char) for char in printable(text))


def test_what_is_kept_is_named():
    assert printable("a\nb\tc", keep="\n") == "a\nb\\tc"
