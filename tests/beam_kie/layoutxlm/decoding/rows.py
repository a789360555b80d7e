"""Pages of texts at given places, and entities on them."""

import numpy as np

from beam_kie.document import LineSpan, PageText, Relation, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.layoutxlm.decoding.entities import DecodedEntity, entity_from_spans
from beam_kie.layoutxlm.inputs.features import PageTokens

HEIGHT, WIDE = 20, 10  # pixels of a line, and of a character
LABELS = {"Q": "QUESTION", "A": "ANSWER", "H": "HEADER"}


def page_of(*placed, cells=()):
    """A page of texts, each with its left and top in pixels."""
    lines = tuple(
        TextLine(text, box_polygon((x, y, x + WIDE * len(text), y + HEIGHT)), 0.9) for text, x, y in placed
    )
    return PageText("d", "u", 1, 1000, 1000, lines=lines, cells=tuple(cells))


def tokens_of_lines(page):
    """One token a line."""
    count = len(page.lines)
    ends = np.array([len(line.text) for line in page.lines])
    zeros = np.zeros(count, int)
    return PageTokens(zeros, np.arange(count), zeros, ends, zeros, np.zeros((count, 4), int))


def entities_of(page, *found, confidence=0.9):
    """Entities: a letter for the label, then the lines."""
    return [
        DecodedEntity(
            entity_from_spans(
                page,
                LABELS[label],
                tuple(LineSpan(line, 0, len(page.lines[line].text)) for line in lines),
                confidence,
            ),
            np.array(lines),
        )
        for label, *lines in found
    ]


def links_of(*pairs):
    return tuple(Relation(head, tail, 0.8) for head, tail in pairs)


def texts(found):
    return [f"{item.entity.label[0]}: {item.entity.text}" for item in found]
