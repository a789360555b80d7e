"""Entities that hold several options, cut into one entity for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from beam_kie.document import Entity, LineSpan, PageText
from beam_kie.layoutxlm.decoding.entities import entity_from_spans
from beam_kie.ticks.placing import Tick
from beam_kie.ticks.sides import Neighbour

_ENDS_KEY = (":", "：", "?", "？")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an entity. ``option`` is the index of its mark, or None; ``is_key``: it names options."""

    entity: Entity
    option: int | None = None
    is_key: bool = False


class Owners:
    """Which option each character of a page belongs to.

    Args:
        page: its lines.
        marks: its marks with their texts.
    """

    def __init__(self, page: PageText, marks: Sequence[tuple[Tick, Neighbour | None]]):
        self._page = page
        self._of: dict[int, list[int]] = {}
        self._has_text = [text is not None for _, text in marks]
        self._glyphs: set[tuple[int, int]] = set()
        for option, (tick, text) in enumerate(marks):
            if tick.line is not None:
                self._own(option, tick.line, tick.start, tick.end)
                self._glyphs.update((tick.line, place) for place in range(tick.start, tick.end))
            if text is not None:
                self._own(option, text.line, text.start, text.end)

    def _own(self, option: int, line: int, start: int, end: int) -> None:
        owners = self._of.setdefault(line, [-1] * len(self._page.lines[line].text))
        owners[start:end] = [option] * (end - start)

    def parts(self, entity: Entity, is_key: bool) -> list[Part]:
        """The entity, or the parts that it falls into.

        Args:
            entity: of the page.
            is_key: its label is that of keys.
        """
        owned = self._owned(entity)
        if is_key and (wrapped := self._wrapped(owned)) is not None:
            key, behind = wrapped
            return [Part(self._cut(entity, key), None, is_key), *self._grouped(entity, behind, is_key)]
        runs = _merged(owned, self._page)
        options = {option for option, _ in runs if option >= 0}
        if not options:
            return [Part(entity)]
        headed = runs[0][0] < 0
        if len(options) == 1 and not (headed and is_key and self._text([runs[0][1]]).endswith(_ENDS_KEY)):
            return [Part(entity, options.pop())]
        return self._grouped(entity, runs, is_key)

    def _grouped(self, entity: Entity, runs: Sequence[tuple[int, LineSpan]], is_key: bool) -> list[Part]:
        groups: list[tuple[int, list[LineSpan]]] = []
        for option, span in runs:
            if groups and option in (groups[-1][0], -1):
                groups[-1][1].append(span)
            else:
                groups.append((option, [span]))
        return [
            Part(self._cut(entity, spans), None if option < 0 else option, is_key and option < 0)
            for option, spans in groups
        ]

    def _wrapped(
        self, owned: Sequence[tuple[int, LineSpan]]
    ) -> tuple[list[LineSpan], list[tuple[int, LineSpan]]] | None:
        """A key that goes on below its first line, with options behind that line; None: another text.

        Returns:
            The spans of the key, and the runs of its options.
        """
        places = [place for place, (option, _) in enumerate(owned) if option >= 0]
        if not places:
            return None
        first, last = places[0], places[-1]
        head, line = owned[:first], owned[last][1].line
        below = [span for option, span in owned[last + 1 :] if span.line != line]
        if not below or not _is_text(head, self._page):
            return None
        key = [span for _, span in head] + below
        upper, lower = (self._page.lines[span.line].box for span in (key[0], below[0]))
        middle = (upper[1] + upper[3]) / 2
        aligned = abs(lower[0] - upper[0]) < upper[3] - upper[1] and lower[1] > middle
        if not aligned or self._page.lines[line].box[1] > middle or not self._text(below).endswith(_ENDS_KEY):
            return None
        beside = [run for run in owned[first:] if run[1] not in below]
        return key, _merged(beside, self._page)

    def _owned(self, entity: Entity) -> list[tuple[int, LineSpan]]:
        """Spans of characters with one owner; -1 for text beside all options."""
        runs: list[tuple[int, LineSpan]] = []
        for span in entity.spans:
            owners = self._of.get(span.line)
            start = span.start
            while start < span.end:
                owner = owners[start] if owners else -1
                end = start + 1
                while end < span.end and (owners[end] if owners else -1) == owner:
                    end += 1
                runs.append((owner, LineSpan(span.line, start, end)))
                start = end
        return [(-1 if self._is_bare(option, runs) else option, span) for option, span in runs]

    def _is_bare(self, option: int, runs: Sequence[tuple[int, LineSpan]]) -> bool:
        """Whether only the mark of an option is here, and its text in another entity."""
        if option < 0 or not self._has_text[option]:
            return False
        own = [span for other, span in runs if other == option]
        return all(
            (span.line, place) in self._glyphs for span in own for place in range(span.start, span.end)
        )

    def _text(self, spans: Sequence[LineSpan]) -> str:
        return "".join(self._page.lines[span.line].text[span.start : span.end] for span in spans).strip()

    def _cut(self, entity: Entity, spans: list[LineSpan]) -> Entity:
        joined: list[LineSpan] = []
        for span in spans:
            if joined and joined[-1].line == span.line and joined[-1].end == span.start:
                joined[-1] = replace(joined[-1], end=span.end)
            else:
                joined.append(span)
        return entity_from_spans(self._page, entity.label, tuple(joined), entity.confidence)


def _merged(runs: list[tuple[int, LineSpan]], page: PageText) -> list[tuple[int, LineSpan]]:
    """Runs of blanks and punctuation belong to the run beside them, text behind an option to that option."""
    found: list[tuple[int, LineSpan]] = []
    for option, span in runs:
        if option < 0 and found:
            found.append((found[-1][0], span))
        elif option >= 0 and found and found[-1][0] < 0 and not _is_text(found, page):
            found = [(option, before) for _, before in found] + [(option, span)]
        else:
            found.append((option, span))
    return found


def _is_text(runs: Sequence[tuple[int, LineSpan]], page: PageText) -> bool:
    return any(
        char.isalnum() for _, span in runs for char in page.lines[span.line].text[span.start : span.end]
    )
