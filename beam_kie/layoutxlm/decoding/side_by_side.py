"""Values whose parts stand side by side: "24.8" and "mm", "$" and "0.00", "2020年" and "9月".

Forms leave room for a number in front of a printed unit, and for the day, month and year of a date; OCR cuts
a text where its words stand apart. A reader takes such parts for one value, whether or not the network did.
In a table with a column of units these have a key of their own, and stay values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from beam_kie.document import PageText, Relation
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.beside import nearest_beside
from beam_kie.layoutxlm.decoding.entities import DecodedEntity, entity_from_spans
from beam_kie.layoutxlm.inputs.cells import boxes_1000, cell_boxes_1000, cells_of
from beam_kie.ticks.glyphs import find_glyphs

_UNITS = (
    *("mm", "cm", "m", "km", "nm", "m²", "m2", "m³", "cm²", "mm²", "km/h", "in", "inch", "inches", "ft"),
    *("g", "gm", "mg", "kg", "µg", "g/m²", "gm/m²", "g/m2", "mg/cc", "lb", "lbs", "oz", "ml", "cc"),
    *("kW", "kV", "kWh", "Pa", "MPa", "bar", "psi", "%", "‰", "°", "°C", "°F", "℃", "℉", "h", "hr", "hrs"),
    *("min", "sec", "Std", "€", "$", "£", "¥", "₩", "EUR", "USD", "CHF", "GBP", "JPY", "CNY", "RMB", "DM"),
    *("元", "元整", "万", "万元", "亿元", "美元", "円", "人", "岁", "歳", "年", "月", "日", "天", "个"),
    *("個", "件", "台", "次", "名", "份", "张", "枚", "㎡", "平方米", "㎏", "㎜", "㎝"),
)
_CURRENCIES = ("$", "€", "£", "¥", "￥", "₩", "US$", "EUR", "USD", "CHF", "GBP", "RMB", "CNY", "人民币")
_NUMBER_ENDS, _NUMBER_BEGINS = re.compile(r"\d\)?\.?$"), re.compile(r"\(?[-+]?[.,]?\d")
_DATE_ENDS = re.compile(r"[年月]\d{0,2}$|(^|\D)\d{4}$")
_DATE_GOES_ON = re.compile(r"(?=.*[年月日])年?\d{0,2}月?\d{0,2}日?")

# Distances to the part before, in heights of a line. That of texts with one key was compared from 0.5 to 1.5
# (docs/model.md); numbers that close are columns of a table.
_SAME_KEY_GAP, _NUMBERS_GAP, _UNIT_GAP, _DATE_GAP = 0.75, 0.4, 2.5, 6.0
_REACH = 0.5  # heights of a line that a part may reach into the one before
_ALIKE = 1.8  # a text that is so many times higher has more than one line


def join_side_by_side(
    config: LayoutXLMConfig, page: PageText, decoded: Sequence[DecodedEntity], links: Iterable[Relation]
) -> list[DecodedEntity]:
    """Entities in which the parts of a value that stand side by side are one.

    Args:
        config: which label values have.
        page: with its ruled cells: parts in different ones stay apart.
        decoded: its entities.
        links: between them. Parts with different keys stay apart, and so does a part that is a key.

    Returns:
        Entities in the order of their first part. The confidence of a joined one is the least of its parts'.
    """
    return _Joining(config, page, decoded, links).joined()


class _Joining:
    """The entities of a page; those that became part of another one are None."""

    def __init__(
        self,
        config: LayoutXLMConfig,
        page: PageText,
        decoded: Sequence[DecodedEntity],
        links: Iterable[Relation],
    ):
        self._config = config
        self._page = page
        self._found: list[DecodedEntity | None] = list(decoded)
        self._boxes = np.array([item.entity.box for item in decoded]).reshape(-1, 4)
        self._there = np.ones(len(decoded), dtype=bool)
        boxes = (item.entity.box for item in decoded)
        self._cells = cells_of(boxes_1000(page, boxes), cell_boxes_1000(page))
        self._heads: set[int] = set()
        self._keys: dict[int, set[int]] = {}
        for link in links:
            self._heads.add(link.head)
            self._keys.setdefault(link.tail, set()).add(link.head)

    def joined(self) -> list[DecodedEntity]:
        """All entities, from left to right each joined to the one before it where both are one value."""
        for place in np.argsort(self._boxes[:, 0], kind="stable").tolist():
            item = self._found[place]
            if item is None or place in self._heads or not self._may_go_on(place, item):
                continue
            before = self._on_left(place)
            first = None if before is None else self._found[before]
            if before is None or first is None or not self._are_one(before, first, place, item):
                continue
            self._found[before], self._found[place] = self._whole(first, item), None
            self._there[place] = False
            self._keys[before] = self._keys.get(before, set()) | self._keys.get(place, set())
            self._boxes[before, :2] = np.minimum(self._boxes[before, :2], self._boxes[place, :2])
            self._boxes[before, 2:] = np.maximum(self._boxes[before, 2:], self._boxes[place, 2:])
        return [item for item in self._found if item is not None]

    def _may_go_on(self, place: int, item: DecodedEntity) -> bool:
        if len(item.entity.spans) > 1:
            return False
        text = _text(item)
        goes_on = _is_unit(text) or _NUMBER_BEGINS.match(text) or _DATE_GOES_ON.fullmatch(text)
        return bool(goes_on) or place in self._keys

    def _on_left(self, place: int) -> int | None:
        """The nearest entity that ends on the left of one, in its row."""
        x0, y0, _, y1 = row = self._boxes[place].tolist()
        ends_before = self._boxes[:, 2] < x0 + _REACH * (y1 - y0)
        among = self._there & (self._boxes[:, 0] < x0) & ends_before
        return nearest_beside(row, self._boxes, True, among)

    def _are_one(self, before: int, first: DecodedEntity, place: int, item: DecodedEntity) -> bool:
        keys, others = self._keys.get(before, set()), self._keys.get(place, set())
        apart = before in self._heads or self._cells[before] != self._cells[place]
        if apart or (keys and others and not keys & others):
            return False
        is_value = [each.entity.label in self._config.tail_labels for each in (first, item)]
        heights = [max(each.entity.box[3] - each.entity.box[1], 1.0) for each in (first, item)]
        if max(heights) > _ALIKE * min(heights):
            return False
        gap = (item.entity.box[0] - first.entity.box[2]) / min(heights)
        same_key = all(is_value) and keys == others and bool(keys)
        texts = [_text(each) for each in (first, item)]
        if same_key and gap <= (_NUMBERS_GAP if all(map(_is_number, texts)) else _SAME_KEY_GAP):
            # Options with boxes to tick are values of their own, and so are two e-mail addresses.
            return not any(map(find_glyphs, texts)) and not all("@" in text for text in texts)
        return _go_together(texts[0], texts[1], gap, is_value[0], is_value[1])

    def _whole(self, first: DecodedEntity, item: DecodedEntity) -> DecodedEntity:
        value = first if first.entity.label in self._config.tail_labels else item
        spans = (*first.entity.spans, *item.entity.spans)
        confidence = min(first.entity.confidence, item.entity.confidence)
        entity = entity_from_spans(self._page, value.entity.label, spans, confidence)
        return DecodedEntity(entity, np.concatenate([first.tokens, item.tokens]))


def _go_together(before: str, text: str, gap: float, is_value: bool, goes_on_as_value: bool) -> bool:
    """Whether two texts are a date, an amount of money, or a number with its unit; one is a value."""
    if is_value and gap <= _DATE_GAP and _DATE_ENDS.search(before) and _DATE_GOES_ON.fullmatch(text):
        return True
    if gap > _UNIT_GAP:
        return False
    if before in _CURRENCIES:
        return goes_on_as_value and bool(_NUMBER_BEGINS.match(text))
    return is_value and _is_unit(text) and bool(_NUMBER_ENDS.search(before))


def _is_number(text: str) -> bool:
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))


def _is_unit(text: str) -> bool:
    return text.removesuffix(".") in _UNITS


def _text(item: DecodedEntity) -> str:
    return "".join(item.entity.text.split())
