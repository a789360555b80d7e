"""Hostile values for parsers: bytes without sense, and valid inputs with a few things changed."""

from __future__ import annotations

import json
import pickle
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

LARGEST = 2 * 1024 * 1024
"""Bytes that a mutated input has at most."""

BOUNDS = (
    *(0, 1, -1, 2, 7, 8, 127, 128, 255, 256, 1000, 32767, 32768, 65535, 65536),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -(2**31), -(2**63)),
)
"""Numbers at which fields of some width end, and small ones."""

_WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_DIGITS = re.compile(rb"\d+")
_NUMBERS_AS_TEXT = (*(str(bound).encode() for bound in BOUNDS), b"9" * 30, b"9" * 5000, b"1e999", b"-0.0")
_NESTED = (b"[" * 5000, b"[" * 200_000, b'{"a":' * 50_000, b"<<" * 3000, b"(" * 3000)

_Draw = Callable[[st.SearchStrategy], Any]


def arbitrary(*starts: bytes, max_size: int = 2000) -> st.SearchStrategy[bytes]:
    """Any bytes, behind one of ``starts`` if there are any."""
    anything = st.binary(max_size=max_size)
    if not starts:
        return anything
    return st.builds(bytes.__add__, st.sampled_from(starts), anything)


@st.composite
def mutated(
    draw: _Draw,
    seeds: Sequence[bytes],
    words: Sequence[bytes] = (),
    most_edits: int = 6,
    within: int | None = None,
) -> bytes:
    """A seed after one to ``most_edits`` edits, all in its first ``within`` bytes (None: anywhere).

    ``words`` are pieces that mean something in the format; they come on top of numbers and deep nesting.
    """
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, most_edits))):
        head, tail = data[:within], data[within:] if within is not None else b""
        data = draw(st.sampled_from(_EDITS))(draw, head, seeds, words) + tail
    return data[:LARGEST]


def _range(draw: _Draw, data: bytes, longest: int = 4096) -> tuple[int, int]:
    start = draw(st.integers(0, len(data)))
    return start, min(len(data), start + draw(st.integers(1, longest) | st.integers(1, 16)))


def _flip(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at, bit = draw(st.integers(0, len(data) - 1)), draw(st.integers(0, 7))
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def _set(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _range(draw, data, 8)
    new = draw(st.binary(min_size=end - start, max_size=end - start))
    return data[:start] + new + data[end:]


def _cut(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _range(draw, data)
    return data[:start] + data[end:]


def _cut_off(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _duplicate(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start, end = _range(draw, data)
    times = draw(st.integers(2, 8) | st.just(200))
    return data[:start] + (data[start:end] * times)[: 256 * 1024] + data[end:]


def _splice(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    other = draw(st.sampled_from(seeds))
    start, end = _range(draw, other)
    at = draw(st.integers(0, len(data)))
    overwritten = draw(st.booleans()) * (end - start)
    return data[:at] + other[start:end] + data[at + overwritten :]


def _number(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    width = draw(st.sampled_from(list(_WIDTHS)))
    if len(data) < width:
        return data
    at = draw(st.integers(0, len(data) - width))
    value = draw(st.sampled_from(BOUNDS)) % (1 << 8 * width)
    number = struct.pack(draw(st.sampled_from("<>")) + _WIDTHS[width], value)
    return data[:at] + number + data[at + width :]


def _written_number(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    places = [found.span() for found in _DIGITS.finditer(data[: 64 * 1024])]
    if not places:
        return data
    start, end = draw(st.sampled_from(places))
    return data[:start] + draw(st.sampled_from(_NUMBERS_AS_TEXT)) + data[end:]


def _word(draw: _Draw, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    at = draw(st.integers(0, len(data)))
    overwritten = draw(st.booleans())
    word = draw(st.sampled_from([*words, *_NUMBERS_AS_TEXT]) | st.sampled_from(_NESTED))
    return data[:at] + word + data[at + len(word) * overwritten :]


_EDITS = (_flip, _set, _cut, _cut_off, _duplicate, _splice, _number, _written_number, _word)


# ---------------------------------------------------------------- JSON


def _nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


_STRANGE: tuple[Any, ...] = (
    *(_nested(depth) for depth in (3, 100, 300, 450)),
    *(None, True, False, "", " ", "\0", "\ud800", "\u202e", "x" * 300, [], {}, [[]], [None], {"": 0}),
    *BOUNDS,
    *(10**400, -(10**30), 0.0, -0.0, 0.5, 1e-320, 1e308, float("nan"), float("inf"), float("-inf")),
    *([0] * 5000, [[[[[[[[]]]]]]]], "../../x", "/dev/zero", "a/b", "x" * 5000),
)


def json_values() -> st.SearchStrategy[Any]:
    """Any value that JSON can hold, and those numbers that Python's JSON holds, too."""
    leaves = st.sampled_from(_STRANGE) | st.text(max_size=8) | st.integers() | st.floats()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
        max_leaves=8,
    )


@st.composite
def mutated_json(draw: _Draw, seeds: Sequence[Any], most_edits: int = 4) -> Any:
    """A value that JSON can hold after one to ``most_edits`` edits: members replaced, left out, doubled."""
    value = _copy(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, most_edits))):
        holder = _walk(draw, value)
        if holder:
            _edit(draw, holder)
    return value


def _copy(value: Any) -> Any:
    """A copy that shares nothing, since edits are made in place; copy.deepcopy recurses in Python."""
    return pickle.loads(pickle.dumps(value))


def _walk(draw: _Draw, value: Any) -> dict | list | None:
    """A container somewhere in ``value``."""
    holder = value if isinstance(value, dict | list) else None
    while holder:
        inner = [each for each in _members(holder) if isinstance(each, dict | list) and each]
        if not inner or draw(st.integers(0, 2)) == 0:
            return holder
        holder = draw(st.sampled_from(inner))
    return holder


def _members(holder: dict | list) -> list:
    return list(holder.values()) if isinstance(holder, dict) else holder


def _edit(draw: _Draw, holder: dict | list) -> None:
    kind = draw(st.sampled_from(("replace", "replace", "replace", "leave out", "double")))
    key: Any = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
    if kind == "replace":
        holder[key] = _copy(draw(st.sampled_from(_STRANGE) | json_values()))
    elif kind == "leave out":
        del holder[key]
    elif isinstance(holder, dict):
        holder[draw(st.text(max_size=5))] = _copy(holder[key])
    else:
        holder.insert(key, _copy(holder[key]))


def as_json(value: Any) -> bytes:
    """The value as JSON, with NaN and infinities as Python writes them and half surrogates as escapes."""
    return json.dumps(value).encode()
