import pytest

from beam_kie.forms.spelled import LANGUAGES, patterns, spelled


@pytest.mark.parametrize(
    ("language", "value", "words"),
    [
        ("en", 1342, "one thousand three hundred and forty-two"),
        ("de", 2021, "zweitausendeinundzwanzig"),
        ("de", 117, "einhundertsiebzehn"),
        ("fr", 71, "soixante et onze"),
        ("fr", 80, "quatre-vingts"),
        ("fr", 1991, "mille neuf cent quatre-vingt-onze"),
        ("fr", 200, "deux cents"),
        ("es", 100, "cien"),
        ("es", 1535, "mil quinientos treinta y cinco"),
        ("es", 21, "veintiuno"),
        ("it", 3128, "tremilacentoventotto"),
        ("it", 1841, "milleottocentoquarantuno"),
        ("pt", 1100, "mil e cem"),
        ("pt", 2345, "dois mil trezentos e quarenta e cinco"),
    ],
)
def test_numbers_are_spelled_as_the_language_does(language, value, words):
    assert spelled(language, value) == words


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_two_numbers_are_spelled_alike(language):
    assert len({spelled(language, value) for value in range(10_000)}) == 10_000
    assert all("{words}" in pattern for pattern in patterns(language))


@pytest.mark.parametrize("value", [-1, 10_000])
def test_numbers_out_of_range_are_refused(value):
    with pytest.raises(ValueError, match="9999"):
        spelled("en", value)
