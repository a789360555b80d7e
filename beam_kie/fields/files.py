"""Reads ``fields.toml``, strictly: every mistake is one line that says where it is and what is possible."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from beam_kie.fields.definitions import (
    DOUBTFUL_BELOW,
    FUZZY,
    ORDERED,
    Choose,
    Field,
    FieldFile,
    FieldType,
)

READY_MADE = ("invoice", "receipt", "delivery_note", "application")
"""The names of the field files that come with the package."""

MAX_FIELDS = 200
MAX_BYTES = 1_000_000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_TAKEN = frozenset(
    (
        *("document_id", "uri", "content_sha256", "status", "page_count", "pages_failed", "result_run_id"),
        *(
            "confidence",
            "missing",
            "doubtful",
            "field_file",
            "run_id",
            "picture",
            "ocr_engine",
            "ocr_revision",
        ),
        *("model", "model_revision", "options_digest"),
    )
)
_ENDINGS = ("_source", "_currency")
_TOP = ("extends", "doubtful_below", "fields")
_OPTIONS = (
    *("type", "of", "keys", "weak_keys", "regex", "fuzzy", "section", "page", "required", "choose"),
    *("value_regex", "years", "multiline"),
)
_MAX_KEYS = 1_000
_MAX_KEY = 200


class FieldFileError(ValueError):
    """A file of fields cannot be used; the message is one line with file, field and what is meant."""


def ready_made_text(name: str) -> str:
    """The text of a field file that comes with the package.

    Args:
        name: one of READY_MADE.
    """
    place = resources.files("beam_kie.fields").joinpath("ready_made", f"{name}.toml")
    return place.read_text(encoding="utf-8")


def ready_made(name: str) -> FieldFile:
    """A field file that comes with the package.

    Args:
        name: one of READY_MADE.
    """
    return parse_fields(ready_made_text(name).encode(), name)


def parse_fields(data: bytes, name: str) -> FieldFile:
    """The fields of a file.

    Args:
        data: the file's bytes, TOML in UTF-8.
        name: of the file, for messages.

    Raises:
        FieldFileError: the first thing that is wrong.
    """
    content = _content(data, name)
    _refuse_unknown(content, _TOP, f"{name}:", "what a file can have: ")
    below = content.get("doubtful_below", DOUBTFUL_BELOW)
    if not _is_share(below):
        raise FieldFileError(f"{name}: doubtful_below must be a number from 0 to 1, not {_shown(below)}")
    tables = content.get("fields")
    if not isinstance(tables, dict) or not tables:
        raise FieldFileError(
            f"{name}: there is no field: begin one with [fields.NAME], such as [fields.total]"
        )
    if len(tables) > MAX_FIELDS:
        raise FieldFileError(f"{name}: {len(tables)} fields are more than the {MAX_FIELDS} that are possible")
    fields = tuple(_Table(name, field, table).field() for field, table in tables.items())
    _check_names(name, [field.name for field in fields])
    digest = hashlib.sha256(json.dumps([below, list(tables.items())], sort_keys=True, default=str).encode())
    return FieldFile(name.rsplit("/", 1)[-1], fields, float(below), digest.hexdigest()[:16])


def _content(data: bytes, name: str) -> dict[str, Any]:
    """The file's tables, those of the file that it extends put below them."""
    if len(data) > MAX_BYTES:
        raise FieldFileError(f"{name}: {len(data):,} bytes are more than the {MAX_BYTES:,} that are possible")
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FieldFileError(f"{name}: it is not UTF-8: save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FieldFileError(f"{name}: it is no TOML: {_one_line(error)}") from None
    base = content.get("extends")
    if base is None:
        return content
    if base not in READY_MADE:
        raise FieldFileError(
            f"{name}: extends must be one of {', '.join(READY_MADE)}, not {_shown(base)}"
            f"{_close(base, READY_MADE)}"
        )
    own = content.get("fields", {})
    below = tomllib.loads(ready_made_text(base))
    return below | content | {"fields": _extended(below["fields"], own)}


def _extended(base: dict[str, Any], own: Any) -> Any:
    """Fields of both; of one that both have, keys are added and everything else is the file's own."""
    if not isinstance(own, dict):
        return own
    fields = dict(base)
    for name, table in own.items():
        known = fields.get(name)
        if known is None or not isinstance(table, dict):
            fields[name] = table
            continue
        added = {
            key: [*_as_list(table[key]), *_as_list(known[key])]
            for key in ("keys", "weak_keys", "regex")
            if key in table and key in known
        }
        fields[name] = known | table | added
    return fields


class _Table:
    """One field's table, with the words that messages begin with."""

    def __init__(self, file: str, name: str, table: Any):
        self._where = f"{file}: field {name!r}:"
        self._name = name
        if not _NAME.fullmatch(name):
            raise self._error(
                "a name becomes a column: 1 to 63 letters from A to Z, digits or _, a letter first"
            )
        if not isinstance(table, dict):
            raise self._error(f"must be a table: write [fields.{name}] and its lines below")
        self._table: Mapping[str, Any] = table
        _refuse_unknown(table, _OPTIONS, self._where, "what a field can have: ")

    def field(self) -> Field:
        """The field, checked."""
        type_ = self._one_of("type", FieldType, None)
        of = self._one_of("of", FieldType, FieldType.TEXT) if type_ is FieldType.LIST else type_
        if type_ is not FieldType.LIST and "of" in self._table:
            raise self._error('of says what a list holds: it needs type = "list"')
        if of is FieldType.LIST:
            raise self._error("of must be a type of single values, not list")
        keys = self._texts("keys")
        patterns = tuple(self._pattern("regex", text) for text in self._texts("regex"))
        if not keys and not patterns:
            raise self._error('which keys mean it? Give keys = ["..."], regex = "...", or both')
        return Field(
            name=self._name,
            type=type_,
            of=of,
            keys=keys,
            patterns=patterns,
            fuzzy=self._fuzzy(),
            section=self._texts("section"),
            page=self._page(),
            required=self._flag("required"),
            choose=self._choose(type_, keys),
            weak_keys=self._texts("weak_keys"),
            value_pattern=self._value_pattern(),
            years=self._years(of),
            multiline=self._multiline(type_),
        )

    def _error(self, what: str) -> FieldFileError:
        return FieldFileError(f"{self._where} {what}")

    def _one_of(self, option: str, choices: Any, default: Any) -> Any:
        value = self._table.get(option, default)
        names = [choice.value for choice in choices]
        if value is None:
            raise self._error(f"{option} is missing: one of {', '.join(names)}")
        if value not in names:
            close = _close(value, names)
            raise self._error(f"{option} must be one of {', '.join(names)}, not {_shown(value)}{close}")
        return choices(value)

    def _choose(self, type_: FieldType, keys: tuple[str, ...]) -> Choose:
        choose = self._one_of("choose", Choose, Choose.MOST_CONFIDENT)
        if "choose" in self._table and type_ is FieldType.LIST:
            raise self._error("choose is for single values: a list holds all of them")
        if choose in (Choose.LARGEST, Choose.SMALLEST) and type_ not in ORDERED:
            raise self._error(f'choose = "{choose}" needs the type {", ".join(ORDERED)}, not {type_}')
        if choose is Choose.KEY_ORDER and not keys:
            raise self._error('choose = "key_order" needs keys, in that order')
        return choose

    def _texts(self, option: str) -> tuple[str, ...]:
        """One text or several."""
        value = self._table.get(option, [])
        texts = _as_list(value)
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise self._error(f'{option} must be a text or a list of texts, such as ["Total", "Summe"]')
        if len(texts) > _MAX_KEYS or any(len(text) > _MAX_KEY for text in texts):
            raise self._error(f"{option} may have {_MAX_KEYS} texts of {_MAX_KEY} characters each")
        return tuple(dict.fromkeys(texts))

    def _pattern(self, option: str, text: str) -> re.Pattern[str]:
        try:
            return re.compile(text, re.IGNORECASE)
        except (re.error, RecursionError, OverflowError) as error:
            raise self._error(f"{option} {text!r} is no regular expression: {_one_line(error)}") from None

    def _value_pattern(self) -> re.Pattern[str] | None:
        texts = self._texts("value_regex")
        return self._pattern("value_regex", "|".join(f"(?:{text})" for text in texts)) if texts else None

    def _years(self, of: FieldType) -> tuple[int, int] | None:
        years = self._table.get("years")
        if years is None:
            return None
        if of is not FieldType.DATE:
            raise self._error("years are for dates")
        numbers = isinstance(years, list) and len(years) == 2 and all(type(year) is int for year in years)
        if not numbers or not 1 <= years[0] <= years[1] <= 9999:
            raise self._error(
                f"years must be the first and the last year, such as [1990, 2050], not {_shown(years)}"
            )
        return years[0], years[1]

    def _multiline(self, type_: FieldType) -> bool:
        multiline = self._flag("multiline")
        if multiline and type_ is not FieldType.TEXT:
            raise self._error(f"multiline is for texts, not {type_}")
        return multiline

    def _fuzzy(self) -> float | None:
        value = self._table.get("fuzzy", FUZZY)
        if value is False:
            return None
        if not _is_share(value):
            raise self._error(f"fuzzy must be false or a number from 0 to 1, not {_shown(value)}")
        return float(value)

    def _page(self) -> int | None:
        page = self._table.get("page")
        if page is not None and (isinstance(page, bool) or not isinstance(page, int) or page == 0):
            raise self._error(
                f"page must be 1 or more, or counted from the end: -1 is the last page; not {_shown(page)}"
            )
        return page

    def _flag(self, option: str) -> bool:
        value = self._table.get(option, False)
        if not isinstance(value, bool):
            raise self._error(f"{option} must be true or false, not {_shown(value)}")
        return value


def _check_names(file: str, names: list[str]) -> None:
    """A field's columns must be its own; databases do not tell cases apart."""
    seen: dict[str, str] = {}
    for name in names:
        folded = name.lower()
        if folded in _TAKEN:
            raise FieldFileError(
                f"{file}: field {name!r}: the table has a column of that name: take another one"
            )
        if folded in seen:
            raise FieldFileError(f"{file}: field {name!r}: only its case tells it from {seen[folded]!r}")
        seen[folded] = name
    for name in names:
        for ending in _ENDINGS:
            if name.lower().endswith(ending) and name.lower().removesuffix(ending) in seen:
                raise FieldFileError(
                    f"{file}: field {name!r}: a column of that name belongs to "
                    f"{seen[name.lower().removesuffix(ending)]!r}: take another one"
                )


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], where: str, what: str) -> None:
    for key in table:
        if key not in known:
            advice = _close(key, known) or f": {what}{', '.join(known)}"
            raise FieldFileError(f"{where} unknown {key!r}{advice}")


def _close(word: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_share(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
