"""What the text of a key says of its value: a telephone or article number is no quantity, though digits."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class KeyKind(StrEnum):
    """Kinds of keys whose values are no quantities."""

    IDENTIFIER = "identifier"
    VERSION = "version"
    TIME = "time"
    ITEM = "item"
    """Nothing but "No.": a number of rows, or a long one of something else."""


_VERSION = re.compile(
    r"\b(?:versions?|versione|versión|versão|version\w*|release|firmware|build|ip|ipv4|ipv6|"
    r"ip-?adress\w*|gateway|netmask|subnet\w*|dns)\b|版本|バージョン|버전|网关|子网"
)
_TIME = re.compile(
    r"\b(?:time|uhrzeit|zeit|heure|hora|ora|orario|horário|horario|tijd|klockan|godzina|beginn|"
    r"ankunft|abfahrt)\b|時刻|时刻|時間|时间|시간|시각"
)
_ITEM = re.compile(r"(?:no|nr|num|n°|#|№)\s*[.:]*\s*")
_COUNT = re.compile(
    r"\b(?:number|numbers|no|nr|num|qty)\b\.?\s*of\b|n[úu]mero (?:de|di) (?!" + "(?:tel|cel|m[óo]v|"
    r"fa[ct]|fax|cli|cuen|con|pas|doc|ped|ord|iden|ser|reg|exp|lic|seg|art|ref|nif|tarj|pol|p[óo]l|proc|ins|"
    r"cart|mat|c[ée]d|pro))"
)
# By form, not only by word: "Kundennummer", "Art.-Nr.", "N° de client", "Invoice no.".
_NAMES = re.compile(
    r"\b(?:tel|tél|telephone|telefon\w*|téléphone|teléfono|telefono|telefone|telefoon\w*|phone\w*|mobile|"
    r"mobil\w*|handy|móvil|celular|cellulare|portable|fax|telefax|télécopie|téléc|whatsapp|"
    r"\w*nummer|\w*nr|no|num|nos|numéro|id|iban|bic|swift|isbn|issn|ean|gtin|upc|sku|imei|serial|"
    r"zip|zipcode|postcode|postal|plz|postleitzahl|ssn|dni|nif|nie|cif|rut|rfc|curp|cpf|cnpj|cédula|cedula|"
    r"siret|siren|passport|reisepass|pasaporte|passeport|passaporto|passaporte|pin|aktenzeichen|matrícula|"
    r"personalausweis|steuer-?id|vat id|code|kennziffer|kennung)\b"
    r"|(?<=[\w.][\s-])number\b|\bn[úu]mero (?:de|di|do|da) |\bn°|#\s*:?$"
    r"|電話|电话|番号|號碼|号码|编号|編號|邮编|郵便|邮政编码|手机|手機|传真|傳真|证号|證號|帐号|账号|帳號|口座|型号|型番|品番"
    r"|工号|学号|单号|票号|전화|번호|팩스|우편"
)


def kind_of_key(key: str) -> KeyKind | None:
    """What a key says its value is, where that is no quantity.

    Args:
        key: its text as it was read; may be empty.

    Returns:
        None for every other key.
    """
    text = unicodedata.normalize("NFKC", key.replace("º", "°").replace("№", "no")).casefold()
    if _VERSION.search(text):
        return KeyKind.VERSION
    if _ITEM.fullmatch(text):
        return KeyKind.ITEM
    if _COUNT.search(text):
        return None
    if _NAMES.search(text):
        return KeyKind.IDENTIFIER
    return KeyKind.TIME if _TIME.search(text) else None
