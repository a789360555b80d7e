import logging

import pytest

from beam_kie.overlays import fonts


@pytest.fixture(autouse=True)
def fresh_search():
    fonts.font_file.cache_clear()
    yield
    fonts.font_file.cache_clear()


def glyph(char, script="zh"):
    return bytes(fonts.load_font(40, script).getmask(char))


def test_packaged_font_has_the_characters_of_all_our_languages():
    missing = glyph("\U0010fffd")
    for char in "李雷登録ひカ한글Gäéñçß€□—…" + fonts.drawable("☑☒☐✓✔✗✘"):
        assert glyph(char) != missing, char


def test_scripts_draw_the_same_character_in_their_own_way():
    # 直 is drawn differently in China and Japan.
    assert glyph("直", "zh") != glyph("直", "ja")


@pytest.mark.parametrize(
    ("texts", "script"),
    [
        (["姓名", "Name"], "zh"),
        (["氏名", "ふりがな"], "ja"),
        (["カナ"], "ja"),
        (["이름"], "ko"),
        (["Name"], "zh"),
        ([], "zh"),
    ],
)
def test_script_of_a_page(texts, script):
    assert fonts.script_of(texts) == script


def test_system_font_is_taken_where_the_package_is_absent(monkeypatch, tmp_path):
    packaged = fonts.font_file()
    fonts.font_file.cache_clear()
    copy = tmp_path / "NotoSansCJK-Regular.ttc"
    copy.symlink_to(packaged)
    monkeypatch.setattr(fonts, "_PACKAGE", "no_such_package")
    monkeypatch.setattr(fonts, "_SYSTEM_FONTS", (str(tmp_path / "none.ttc"), str(copy)))
    assert fonts.font_file() == copy
    assert fonts.load_font(20, "ja").getname()[0] == "Noto Sans CJK JP"
    assert fonts.load_font(20, "zh").getname()[0] == "Noto Sans CJK SC"


def test_pillows_own_font_is_the_last_resort_and_logged_once(monkeypatch, caplog):
    monkeypatch.setattr(fonts, "_PACKAGE", "no_such_package")
    monkeypatch.setattr(fonts, "_SYSTEM_FONTS", ())
    with caplog.at_level(logging.WARNING):
        for size in (12, 20, 12):
            assert fonts.load_font(size).getlength("Name") > 0
    assert len(caplog.records) == 1
    assert "pip install" in caplog.text
