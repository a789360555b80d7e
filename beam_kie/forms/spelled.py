"""Amounts in words, as cheques and receipts ask for them, in the Latin languages of the generator."""

from __future__ import annotations

_ONES = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen",
    "de": "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
    " sechzehn siebzehn achtzehn neunzehn",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis"
    " diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco"
    " veintiséis veintisiete veintiocho veintinueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici"
    " quindici sedici diciassette diciotto diciannove",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis"
    " dezessete dezoito dezenove",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "fr": "vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
}
_HUNDREDS = {
    "es": "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos"
    " novecientos",
    "pt": "cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos",
}
_PATTERNS = {
    "en": ("{words} dollars", "{words} and {cents:02d}/100", "{words} pounds only", "{words}"),
    "de": ("{words} Euro", "{words}", "-{words}-", "{words} {cents:02d}/100"),
    "fr": ("{words} euros", "{words} euros et {cents:02d} centimes", "{words}"),
    "es": ("{words} euros", "{words} euros con {cents:02d} céntimos", "{words}"),
    "it": ("{words}/{cents:02d}", "{words} euro", "euro {words}/{cents:02d}"),
    "pt": ("{words} reais", "{words} euros e {cents:02d} cêntimos", "{words}"),
}
LANGUAGES = frozenset(_PATTERNS)


def patterns(language: str) -> tuple[str, ...]:
    """How an amount goes on after its words: ``{words}`` and ``{cents}`` stand for the parts.

    Args:
        language: one of ``LANGUAGES``.
    """
    return _PATTERNS[language]


def spelled(language: str, value: int) -> str:
    """A whole number in words.

    Args:
        language: one of ``LANGUAGES``.
        value: 0 to 9999.

    Returns:
        The words in lower case, as they are written on a cheque.

    Raises:
        ValueError: the value is out of range.
    """
    if not 0 <= value <= 9999:
        raise ValueError(f"expected 0 to 9999, got {value}")
    thousands, rest = divmod(value, 1000)
    if not thousands:
        return _below_thousand(language, rest)
    many = _below_thousand(language, thousands)
    head = {
        "en": f"{many} thousand",
        "de": f"{many}tausend",
        "fr": "mille" if thousands == 1 else f"{many} mille",
        "es": "mil" if thousands == 1 else f"{many} mil",
        "it": "mille" if thousands == 1 else f"{many}mila",
        "pt": "mil" if thousands == 1 else f"{many} mil",
    }[language]
    if not rest:
        return head
    tail = _below_thousand(language, rest)
    if language == "pt" and (rest < 100 or rest % 100 == 0):
        return f"{head} e {tail}"
    return head + ("" if language in ("de", "it") else " ") + tail


def _below_thousand(language: str, value: int) -> str:
    hundreds, rest = divmod(value, 100)
    if not hundreds:
        return _below_hundred(language, rest)
    if language in _HUNDREDS:
        if value == 100:
            return {"es": "cien", "pt": "cem"}[language]
        head = _HUNDREDS[language].split()[hundreds - 1]
    else:
        one = _ONES[language].split()[hundreds]
        head = {
            "en": f"{one} hundred",
            "de": f"{one}hundert",
            "fr": "cent" if hundreds == 1 else f"{one} cent{'s' if not rest else ''}",
            "it": "cento" if hundreds == 1 else f"{one}cento",
        }[language]
    if not rest:
        return head
    joint = {"en": " and ", "de": "", "fr": " ", "es": " ", "it": "", "pt": " e "}[language]
    return head + joint + _below_hundred(language, rest)


def _below_hundred(language: str, value: int) -> str:
    ones = _ONES[language].split()
    if value < len(ones):
        return ones[value]
    ten, one = divmod(value, 10)
    head = _TENS[language].split()[ten - 2]
    if language == "fr":
        return _french(ten, one, head, ones)
    if not one:
        return head
    if language == "de":
        return f"{ones[one]}und{head}"
    if language == "it":
        return (head[:-1] if one in (1, 8) else head) + ones[one]
    return head + {"en": "-", "es": " y ", "pt": " e "}[language] + ones[one]


def _french(ten: int, one: int, head: str, ones: list[str]) -> str:
    """Seventy is sixty and ten, ninety is four twenties and ten."""
    rest = one + 10 if ten in (7, 9) else one
    if not rest:
        return f"{head}s" if ten == 8 else head
    if rest in (1, 11) and ten < 8:
        return f"{head} et {ones[rest]}"
    return f"{head}-{ones[rest]}"
