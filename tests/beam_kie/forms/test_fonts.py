import shutil

import pytest

from beam_kie.forms import LANGUAGES, fonts
from beam_kie.forms.vocabulary import load


def test_advances_are_those_of_the_drawn_text():
    text = "Invoice 12,345.67"
    assert fonts.width(text, "noto-sc", 40) == pytest.approx(
        fonts.font("noto-sc", 40.0).getlength(text), rel=0.02
    )


def test_tracking_stands_between_characters_only():
    assert fonts.width("姓名", "noto-sc", 10, tracking=5) == pytest.approx(25)


def test_spaced_text_wraps_between_words():
    lines = fonts.wrap("Return this form to the address above", "noto-sc", 10, 80)
    assert " ".join(lines) == "Return this form to the address above"
    assert len(lines) > 2
    assert all(fonts.width(line, "noto-sc", 10) <= 80 for line in lines)


def test_chinese_wraps_anywhere_but_before_punctuation():
    text = "本人郑重声明：以上所填内容真实、准确、完整。"
    for limit in range(40, 120, 10):
        lines = fonts.wrap(text, "noto-sc", 10, limit)
        assert "".join(lines) == text
        assert not any(line[0] in "：、。" for line in lines)


def test_a_french_colon_stays_with_its_word():
    for limit in range(60, 120, 5):
        lines = fonts.wrap("Cachet et signature :", "noto-sc", 10, limit)
        assert " ".join(lines) == "Cachet et signature :"
        assert ":" not in lines


def test_a_word_wider_than_the_line_is_cut():
    lines = fonts.wrap("Donaudampfschifffahrtsgesellschaft", "noto-sc", 10, 60)
    assert "".join(lines) == "Donaudampfschifffahrtsgesellschaft"
    assert all(fonts.width(line, "noto-sc", 10) <= 60 for line in lines)


def test_the_installed_face_has_every_character_of_every_vocabulary():
    pytest.importorskip("fontTools.ttLib", reason="fontTools is needed to look into the font")
    from fontTools.ttLib import TTFont

    face = TTFont(str(fonts.font("noto-sc", 20.0).path), fontNumber=2)
    known = set(face.getBestCmap() or ())
    for language in LANGUAGES:
        chars = {char for words in load(language)._words.values() for word in words for char in word}
        assert {c for c in chars if ord(c) not in known and c not in fonts.DRAWN} == set()


@pytest.fixture
def hand(tmp_path, monkeypatch):
    """A folder with one face where Debian's packages of handwriting would be."""
    source = str(fonts.font("sans", 20.0).path)
    if not source.endswith("DejaVuSans.ttf"):
        pytest.skip("matplotlib's faces are not installed")
    (tmp_path / "breip").mkdir()
    shutil.copy(source, tmp_path / fonts.HANDWRITING["hand-breip"])
    caches = (fonts.resolve, fonts.face_of, fonts.font, fonts.advances)
    monkeypatch.setenv(fonts.FONT_FOLDER, str(tmp_path))
    for cache in caches:
        cache.cache_clear()
    yield "hand-breip"
    for cache in caches:
        cache.cache_clear()


def test_a_face_of_handwriting_is_used_for_what_it_has(hand):
    assert fonts.resolve(hand) == hand
    assert fonts.face_of(hand, "ä") == hand
    assert fonts.face_of(hand, "漢") == "noto-sc"
    assert fonts.width("漢", hand, 10.0) == pytest.approx(10.0)
    assert fonts.width("ä", hand, 10.0) == pytest.approx(fonts.width("ä", "sans", 10.0))


def test_other_faces_stand_in_for_handwriting_that_is_not_installed(hand):
    assert fonts.resolve("hand-dkg") == "noto-sc"
    assert fonts.resolve("hand-klee") == "noto-jp"
