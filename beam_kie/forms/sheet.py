"""A page that blocks are laid out on, in points; ``finish`` scales it to pixels and settles the labels."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from beam_kie.document import Box
from beam_kie.forms import fonts
from beam_kie.forms.model import (
    ANSWER,
    HEADER,
    OTHER,
    QUESTION,
    Area,
    Entry,
    Layout,
    Piece,
    Run,
    Shape,
    Stamp,
    Stroke,
)
from beam_kie.forms.theme import BLACK, Colour, Style, Theme, baseline

# Labels that only become one of the four when the page is finished: a key is a QUESTION when it has a
# value, a heading when keys stand under it.
KEY, HEADING = "key", "heading"
_NUMBER = re.compile(r"(\(?\d+[.)]?) +(\D.*)")
_WORD = re.compile(r"\S+")


@dataclass(slots=True)
class _Draft:
    label: str
    pieces: list[tuple[str, Box]]
    parent: int | None
    links: list[tuple[int, int]] = field(default_factory=list)


class Sheet:
    """Collects entries, text runs and shapes.

    ``y`` is where the next block starts, ``parent`` the heading that new entries stand under, ``number``
    the last number that a numbered key got.

    Args:
        width: of the page, in points.
        height: of the page, in points.
        theme: the look of the form.
        rng: the random generator.
        margin: on each side, in points.
    """

    def __init__(self, width: float, height: float, theme: Theme, rng: random.Random, margin: float):
        self.width, self.height = width, height
        self.theme, self.rng = theme, rng
        self.left, self.right = margin, width - margin
        self.top, self.bottom = margin, height - margin
        self.y = self.top
        self.parent: int | None = None
        self.number = 0
        self._drafts: list[_Draft] = []
        self._runs: list[Run] = []
        self._shapes: list[Shape] = []

    # Going back, when a block turns out not to fit

    def mark(self) -> tuple:
        """The present state, for ``rollback``."""
        return len(self._drafts), len(self._runs), len(self._shapes), self.y, self.parent

    def rollback(self, mark: tuple) -> None:
        """Removes everything that was added since ``mark``.

        Args:
            mark: as of ``Sheet.mark``.
        """
        drafts, runs, shapes, self.y, self.parent = mark
        del self._drafts[drafts:], self._runs[runs:], self._shapes[shapes:]
        for draft in self._drafts:
            draft.links = [link for link in draft.links if max(link) < drafts]

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return len(self._drafts)

    @property
    def lines(self) -> int:
        """How many visual lines of text there are."""
        return sum(len(draft.pieces) for draft in self._drafts)

    # Text

    def text(
        self, x: float, baseline: float, text: str, style: Style, tracking: float = 0.0
    ) -> tuple[str, Box]:
        """Draws one line and returns it as a piece of an entry.

        Args:
            x: its left edge, in points.
            baseline: in points from the top.
            text: of one line.
            style: of the text.
            tracking: between two characters, in points.
        """
        face, size = style.face, style.size
        bold = style.bold and not fonts.has_bold(fonts.resolve(face))
        self._runs.append(Run(text, x, baseline, size, face, style.colour, tracking, bold, style.wobble))
        ascent, descent = fonts.extents(text)
        width = fonts.width(text, face, size, tracking)
        return text, (x, baseline - ascent * size, x + width, baseline + descent * size)

    def paragraph(
        self, lines: list[str], x: float, top: float, width: float, style: Style, align: str = "left"
    ) -> list[tuple[str, Box]]:
        """Draws lines below one another and returns them as pieces of an entry.

        Args:
            lines: from top to bottom.
            x: the left edge, in points.
            top: of the first line, in points.
            width: that lines are aligned in, in points.
            style: of the text.
            align: "left", "centre" or "right".
        """
        pieces = []
        pitch = style.size * style.leading
        y = baseline(style, top)
        for line in lines:
            start = x
            if align != "left":
                spare = width - fonts.width(line, style.face, style.size)
                start = x + (spare / 2 if align == "centre" else spare)
            pieces.append(self.text(start, y, line, style))
            y += pitch
        return pieces

    # Entries

    def entry(self, label: str, pieces: list[tuple[str, Box]], key: int | None = None) -> int:
        """Adds an entry and returns its id.

        Args:
            label: of the entry.
            pieces: texts and boxes, as of ``text`` and ``paragraph``.
            key: the id of the key that a value belongs to; None: of none.
        """
        if label == KEY and self.theme.numbers_apart and (number := _NUMBER.match(pieces[0][0])):
            self._drafts.append(
                _Draft(OTHER, [self._cut(pieces[0], number.start(1), number.end(1))], self.parent)
            )
            pieces = [self._cut(pieces[0], number.start(2), number.end(2)), *pieces[1:]]
        self._drafts.append(_Draft(label, pieces, self.parent))
        number = len(self._drafts) - 1
        if key is not None:
            self.link(key, number)
        return number

    def link(self, key: int, value: int) -> None:
        """Links a key to one more value.

        Args:
            key: the id of its entry.
            value: the id of its entry.
        """
        self._drafts[key].links.append((key, value))
        self._drafts[value].links.append((key, value))

    def each_line(self, label: str, pieces: list[tuple[str, Box]], key: int | None = None) -> None:
        """Adds free text: one entry a line, or one for all lines, as the theme has it.

        Args:
            label: of the entries.
            pieces: texts and boxes of the lines.
            key: the id of the key that they belong to; None: of none.
        """
        if self.theme.words_apart and label == OTHER:
            pieces = [self._cut(piece, *word.span()) for piece in pieces for word in _WORD.finditer(piece[0])]
        if self.theme.paragraph_lines or (self.theme.words_apart and label == OTHER):
            for piece in pieces:
                self.entry(label, [piece], key)
        elif pieces:
            self.entry(label, pieces, key)

    def reserve(self, label: str) -> int:
        """Adds an entry that gets its pieces later, by ``settle``, and returns its id.

        Args:
            label: of the entry.
        """
        self._drafts.append(_Draft(label, [], self.parent))
        return len(self._drafts) - 1

    def settle(self, number: int, pieces: list[tuple[str, Box]]) -> None:
        """Gives a reserved entry its pieces.

        Args:
            number: its id, as of ``reserve``.
            pieces: texts and boxes.
        """
        self._drafts[number].pieces = pieces

    def _cut(self, piece: tuple[str, Box], start: int, end: int) -> tuple[str, Box]:
        """The characters ``start`` to ``end`` of a piece."""
        text, (x0, y0, _, y1) = piece
        run = next(run for run in reversed(self._runs) if run.text == text and run.x == x0)
        left, right = (x0 + fonts.width(text[:n], run.face, run.size, run.tracking) for n in (start, end))
        return text[start:end], (left, y0, right, y1)

    # Lines and areas

    def rule(self, x0: float, y0: float, x1: float, y1: float, width: float | None = None, dash: float = 0.0):
        """Draws a line in the theme's colour.

        Args:
            x0: where it begins, in points.
            y0: where it begins.
            x1: where it ends.
            y1: where it ends.
            width: in points; None: the theme's.
            dash: the length of its dashes, in points; 0: none.
        """
        self._shapes.append(
            Stroke(((x0, y0), (x1, y1)), width or self.theme.rule, self.theme.rule_colour, dash)
        )

    def frame(self, x0: float, y0: float, x1: float, y1: float, width: float | None = None) -> None:
        """Draws a rectangle in the theme's colour.

        Args:
            x0: the left edge, in points.
            y0: the top edge.
            x1: the right edge, in points.
            y1: the bottom edge.
            width: of the line, in points; None: the theme's.
        """
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))
        self._shapes.append(Stroke(corners, width or self.theme.rule, self.theme.rule_colour))

    def stroke(self, points, width: float, colour: Colour = BLACK) -> None:
        """Draws a line through points.

        Args:
            points: (x, y) each, in points.
            width: of the line, in points.
            colour: RGB.
        """
        self._shapes.append(Stroke(tuple(points), width, colour))

    def fill(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Fills a rectangle; what is drawn later lies on it.

        Args:
            x0: the left edge, in points.
            y0: the top edge.
            x1: the right edge, in points.
            y1: the bottom edge.
            colour: RGB.
        """
        self._shapes.append(Area((x0, y0, x1, y1), colour))

    def stamp(self, stamp: Stamp) -> None:
        """Puts a rubber stamp on the page.

        Args:
            stamp: with its place.
        """
        self._shapes.append(stamp)

    def boxes(self, label: str) -> list[Box]:
        """The boxes of the lines of entries with a label, in points, in the order in which they were drawn.

        Args:
            label: of the entries.
        """
        return [box for draft in self._drafts if draft.label == label for _, box in draft.pieces]

    def free(self, box: Box, gap: float = 2.0) -> bool:
        """Whether a box is free of text.

        Args:
            box: in points.
            gap: that must be free around it, in points.
        """
        x0, y0, x1, y1 = box[0] - gap, box[1] - gap, box[2] + gap, box[3] + gap
        for draft in self._drafts:
            for _, (a, b, c, d) in draft.pieces:
                if a < x1 and c > x0 and b < y1 and d > y0:
                    return False
        return True

    # The end

    def finish(self, language: str, kind: str, seed: int, dpi: float) -> Layout:
        """The finished page, in pixels.

        Args:
            language: one of ``LANGUAGES``.
            kind: of the form.
            seed: that it was made with.
            dpi: pixels per inch.
        """
        self._settle_keys()
        self._settle_headings()
        scale = dpi / 72.0
        entries = tuple(self._entry(number, scale, language) for number in range(len(self._drafts)))
        return Layout(
            language=language,
            kind=kind,
            seed=seed,
            width_px=round(self.width * scale),
            height_px=round(self.height * scale),
            dpi=dpi,
            entries=entries,
            runs=tuple(_scaled_run(run, scale) for run in self._runs),
            shapes=tuple(_scaled_shape(shape, scale) for shape in self._shapes),
        )

    def _settle_keys(self) -> None:
        empty = QUESTION if self.theme.labels == "funsd" else OTHER
        for draft in self._drafts:
            if draft.label == KEY:
                draft.label = QUESTION if draft.links else empty

    def _settle_headings(self) -> None:
        headings = {n for n, draft in enumerate(self._drafts) if draft.label == HEADING}
        over_keys = {
            draft.parent
            for draft in self._drafts
            if draft.parent in headings and draft.label in (QUESTION, ANSWER)
        }
        for number in headings:
            draft = self._drafts[number]
            if draft.links:
                draft.label = QUESTION
            elif self.theme.heading_is_header:
                draft.label = HEADER
            else:
                draft.label = QUESTION if number in over_keys else OTHER

    def _entry(self, number: int, scale: float, language: str) -> Entry:
        draft = self._drafts[number]
        pieces = tuple(Piece(text, _polygon(box, scale)) for text, box in draft.pieces)
        boxes = [box for _, box in draft.pieces]
        box = boxes[0]
        if len(boxes) > 1:
            box = (
                min(b[0] for b in boxes),
                min(b[1] for b in boxes),
                max(b[2] for b in boxes),
                max(b[3] for b in boxes),
            )
        joint = "" if language in ("zh", "ja") else " "
        return Entry(
            id=number,
            text=joint.join(piece.text for piece in pieces),
            label=draft.label,
            polygon=_polygon(box, scale),
            pieces=pieces,
            linking=tuple(draft.links),
            parent=draft.parent,
        )


def _polygon(box: Box, scale: float):
    x0, y0, x1, y1 = box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def _scaled_run(run: Run, scale: float) -> Run:
    return Run(
        run.text,
        run.x * scale,
        run.baseline * scale,
        run.size * scale,
        run.face,
        run.colour,
        run.tracking * scale,
        run.bold,
        run.wobble,
    )


def _scaled_shape(shape: Shape, scale: float) -> Shape:
    if isinstance(shape, Stroke):
        points = tuple((x * scale, y * scale) for x, y in shape.points)
        return Stroke(points, shape.width * scale, shape.colour, shape.dash * scale)
    if isinstance(shape, Area):
        x0, y0, x1, y1 = shape.box
        return Area((x0 * scale, y0 * scale, x1 * scale, y1 * scale), shape.colour)
    return shape._replace(
        x=shape.x * scale, y=shape.y * scale, width=shape.width * scale, height=shape.height * scale
    )
