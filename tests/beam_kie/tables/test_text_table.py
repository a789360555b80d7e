from beam_kie.tables.text_table import shorten, text_table, text_width


def test_width_counts_columns_of_a_terminal():
    assert text_width("Name") == 4
    assert text_width("姓名") == 4
    assert text_width("e\u0301") == 1
    assert text_width("\N{WOMAN}\u200d\N{PERSONAL COMPUTER}") == 2


def test_shorten_keeps_wide_characters_whole():
    assert shorten("姓名:李雷", 20) == "姓名:李雷"
    assert shorten("姓名李雷", 6) == "姓名…"
    assert text_width(shorten("姓名李雷", 6)) <= 6


def test_shorten_takes_line_ends_and_escapes_out():
    assert shorten("a\nb\t c\x1b[31m", 40) == "a b c [31m"


def test_columns_are_aligned():
    table = text_table(["key", "value"], [["姓名", "李雷"], ["Name", "Li"]])
    assert table.splitlines() == ["key   value", "----  -----", "姓名  李雷", "Name  Li"]


def test_table_without_rows_has_its_header():
    assert text_table(["key", "value"], []).splitlines() == ["key  value", "---  -----"]
