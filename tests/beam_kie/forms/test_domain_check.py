import pytest

from beam_kie.forms import domain_languages, domain_names, fonts
from beam_kie.forms.domain_check import (
    LEAST_KEYS,
    count,
    domain_problems,
    language_problems,
    main,
    printed,
)
from beam_kie.forms.domains import COMMON, load_domain, parse_domain
from beam_kie.forms.model import LANGUAGES


def made(language="de", **lists):
    """A domain that is fit for use, but for what ``lists`` says."""
    entries = {"titles": "Antrag", **lists}
    section = entries.pop("section", "")
    keys = "\n".join(f"Feld {chr(97 + n // 26)}{chr(97 + n % 26)} = text" for n in range(LEAST_KEYS))
    text = "".join(f"{name} = '''\n{lines}\n'''\n" for name, lines in entries.items())
    text += f"[sections]\n\"Teil A\" = '''\n{keys}\n'''\n\"Teil B\" = '''\nZeile = money\n'''\n"
    text += f"\"Teil C\" = '''\n{section or 'Spalte = date'}\n'''\n"
    return parse_domain(language, "made", text)


@pytest.mark.parametrize("language", domain_languages())
def test_the_files_of_a_language_are_in_order(language):
    assert language_problems(language) == []


@pytest.mark.parametrize("language", domain_languages())
def test_domains_are_named_alike_in_all_languages(language):
    assert domain_names(language) == domain_names("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_words_of_real_forms(language):
    domains = [load_domain(language, name) for name in (COMMON, *domain_names(language))]
    assert len(domains) == 27
    assert len({text for domain in domains for text in domain.key_texts()}) > 3000


def test_languages_with_domains_are_languages_of_the_generator():
    assert set(domain_languages()) <= set(LANGUAGES)


def test_a_file_in_order_has_no_problems():
    assert domain_problems(made()) == []


@pytest.mark.parametrize(
    ("lists", "text"),
    [
        ({"titles": "申请表"}, "申请表"),
        ({"section": "Prénom = given"}, "Prénom"),
        ({"notes": "Tel. 01632960737"}, "01632960737"),
        ({"notes": "Mail an max@example.de"}, "max@example.de"),
        ({"stamps": "Bezahlt\nBezahlt"}, "twice"),
        ({"section": "Art|Art = text"}, "twice"),
        ({"section": "Größe = 1-9 厘米"}, "厘米"),
        ({"section": "Farbe = blau;红"}, "红"),
        ({"free": "Siehe {Anlage}"}, "braces"),
    ],
    ids=["script", "letter", "number", "mail", "stamp", "key", "unit", "sample", "braces"],
)
def test_what_is_wrong_is_named(lists, text):
    problems = domain_problems(made(**lists))
    assert problems
    assert any(text in problem for problem in problems)


def test_keys_in_two_languages_may_have_letters_of_both():
    assert domain_problems(made(section="Vorname / Prénom = given")) == []


def test_chinese_and_japanese_ways_to_write_are_told_apart():
    assert any("電" in problem for problem in domain_problems(made("zh", notes="電話")))
    assert any("电" in problem for problem in domain_problems(made("ja", notes="电话")))


def test_too_few_keys_are_a_problem():
    text = "titles = '''\nAntrag\n'''\n[sections]\n" + "".join(
        f"\"Teil {name}\" = '''\nFeld {name} = date\n'''\n" for name in "ABC"
    )
    assert any("60 keys" in problem for problem in domain_problems(parse_domain("de", "made", text)))


def test_a_domain_is_counted_by_class():
    domain = made(section="Feld aa|Zahlweise = bar|Karte", notes="Hinweis", stamps="ERLEDIGT")
    size = count(domain)
    assert (size.keys, size.headers, size.options, size.notes) == (LEAST_KEYS + 2, 4, 2, 2)


def test_two_classes_of_one_text_are_found(tmp_path, monkeypatch):
    domains = {COMMON: made(notes="Zahlung"), "made": made(section="Zahlung = money")}
    monkeypatch.setattr("beam_kie.forms.domain_check.load_domain", lambda language, name: domains[name])
    monkeypatch.setattr("beam_kie.forms.domain_check.domain_names", lambda language: ("made",))
    (problem,) = [line for line in language_problems("de") if "Zahlung" in line]
    assert "key" in problem and "note" in problem


def test_the_installed_face_has_every_character():
    pytest.importorskip("fontTools.ttLib", reason="fontTools is needed to look into the font")
    from fontTools.ttLib import TTFont

    known = set(TTFont(str(fonts.font("noto-sc", 20.0).path), fontNumber=2).getBestCmap() or ())
    for language in domain_languages():
        for name in (COMMON, *domain_names(language)):
            domain = load_domain(language, name)
            chars = {char for text, _ in printed(domain) for char in text} | set("".join(domain.free))
            assert {c for c in chars if ord(c) not in known and c not in fonts.DRAWN} == set(), (
                language,
                name,
            )


def test_counts_are_printed(capsys):
    assert main(["zh"]) == 0
    out = capsys.readouterr().out
    assert "customs" in out and "vehicle" in out


def test_a_language_without_domains_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["xx"])
    assert stopped.value.code == 2
    assert "xx" in capsys.readouterr().err
