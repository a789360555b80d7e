"""Pictures of what was found on a page: the page with its entities and relations, and the list of pairs."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageDraw

from beam_kie.document import Box, Entity, FailedPage, PageResult, PageText, Polygon
from beam_kie.overlays import drawing
from beam_kie.overlays.fonts import Font, load_font, script_of
from beam_kie.overlays.pair_list import LOW_CONFIDENCE, NumberedPair, draw_pair_list
from beam_kie.tables.key_values import KEY_LABELS, key_values

SMALLEST_SIDE = 200
"""No picture is drawn with a smaller ``max_side``, in pixels."""

_MARGIN = 12
_LEAST_SIDE_WITH_LIST = 1000
_LEAST_TITLE_WIDTH = 420
_LARGEST_ENLARGEMENT = 1.5
_HEIGHT_OF_PAIR = 36
_QUALITY = 82
_LEGEND_ORDER = ("HEADER", "QUESTION", "ANSWER")

Area = tuple[int, int, int, int]
Scale = tuple[float, float]


def draw_overlay(result: PageResult, max_side: int, key_labels: Sequence[str] = KEY_LABELS) -> bytes:
    """Draw entities and relations of a page on its preview.

    Beside the page (below it, where it is wide) stand the pairs, numbered as on the page, with their
    confidence; a ``max_side`` below 1000 leaves no room for list and numbers. Equal results give equal bytes.

    Args:
        result: entities and relations of one page.
        max_side: the longest side of the picture in pixels, at least SMALLEST_SIDE.
        key_labels: labels whose entities are keys also where no value goes with them.

    Returns:
        A JPEG.

    Raises:
        ValueError: the page has no preview, or ``max_side`` is too small.
    """
    pairs = _number(result, key_labels)
    preview = _open_preview(result.page, max_side)
    frame = _plan(preview.shape[:2], max_side, pairs=len(pairs))
    script = script_of(entity.text for entity in result.entities)
    font = load_font(frame.text_size, script)
    picture = Image.new("RGB", frame.size, drawing.WHITE)
    page = _fit(preview, frame)
    with_tags = max_side >= _LEAST_SIDE_WITH_LIST
    picture.paste(_draw_page(result, pairs, page, frame.scale_of(result.page), with_tags), frame.page[:2])
    draw = ImageDraw.Draw(picture)
    _draw_border(draw, frame.page)
    _draw_title(draw, frame, font, _title(result.page), _legend(result, pairs))
    if frame.pairs:
        draw_pair_list(draw, frame.pairs, pairs, script)
    return _jpeg(picture)


def place_on_overlay(size: tuple[int, int], max_side: int, pairs: int) -> tuple[tuple[int, int], Area]:
    """Where ``draw_overlay`` puts a page: the size of the picture, and the page's area on it, in its pixels.

    Args:
        size: width and height of the upright page in pixels.
        max_side: as ``draw_overlay`` was given it.
        pairs: rows of the page in key_values.
    """
    scale = min(1.0, max_side / max(size))
    width, height = (max(1, round(side * scale)) if scale < 1.0 else side for side in size)
    frame = _plan((height, width), max_side, pairs=pairs)
    return frame.size, frame.page


def draw_failure(failed: FailedPage, max_side: int) -> bytes:
    """Draw a page under a banner that says stage, category and what to do.

    Lines that OCR found are outlined.

    Args:
        failed: the page with its failure.
        max_side: the longest side of the picture in pixels, at least SMALLEST_SIDE.

    Returns:
        A JPEG.

    Raises:
        ValueError: the page has no preview, or ``max_side`` is too small.
    """
    preview = _open_preview(failed.page, max_side)
    frame = _plan(preview.shape[:2], max_side, title_lines=4)
    scale = frame.scale_of(failed.page)
    shapes = [(_scale(line.polygon, scale), drawing.GREY) for line in failed.page.lines]
    page = drawing.fill_polygons(_fit(preview, frame), shapes, width=1)
    picture = Image.new("RGB", frame.size, drawing.WHITE)
    picture.paste(Image.fromarray(page), frame.page[:2])
    draw = ImageDraw.Draw(picture)
    _draw_border(draw, frame.page)
    _draw_banner(draw, frame, failed)
    return _jpeg(picture)


# ---------------------------------------------------------------- where everything goes


@dataclass(frozen=True, slots=True)
class _Frame:
    """The places of a picture, (x0, y0, x1, y1) in its pixels, and the size of its plain text."""

    size: tuple[int, int]
    page: Area
    pairs: Area | None
    text_size: int

    def scale_of(self, page: PageText) -> Scale:
        """Pixels of the picture for one pixel of the page, across and down."""
        x0, y0, x1, y1 = self.page
        return (x1 - x0) / page.width_px, (y1 - y0) / page.height_px

    @property
    def line_height(self) -> int:
        """The height of a line of plain text, in pixels."""
        return _line_height(self.text_size)


def _plan(shape: tuple[int, int], max_side: int, pairs: int = 0, title_lines: int = 2) -> _Frame:
    """Places for the picture of a page and a list of ``pairs`` pairs; ``shape`` is the preview's H x W.

    The list stands beside an upright page and below a wide one; a small picture has none.
    """
    text_size = min(18, max(11, round(max_side / 95)))
    top = title_lines * _line_height(text_size) + _MARGIN
    listed = pairs > 0 and max_side >= _LEAST_SIDE_WITH_LIST
    height, width = shape
    wide = width > height
    beside = min(560, max(300, round(0.31 * max_side))) + _MARGIN if listed and not wide else 0
    below = min(round(0.3 * max_side), (pairs + 2) * _HEIGHT_OF_PAIR) if listed and wide else 0
    room = (max_side - 2 * _MARGIN - beside, max_side - top - _MARGIN - below)
    scale = min(room[0] / width, room[1] / height, _LARGEST_ENLARGEMENT)
    page_width, page_height = max(1, round(width * scale)), max(1, round(height * scale))
    # The title needs some width, also over the narrowest receipt.
    column = max(page_width, min(_LEAST_TITLE_WIDTH, room[0]))
    left = _MARGIN + (column - page_width) // 2
    page = (left, top, left + page_width, top + page_height)
    right, bottom, area = _MARGIN + column, page[3], None
    if beside:
        # A list may be longer than a low page, but no longer than it needs.
        bottom = max(bottom, min(max_side - _MARGIN, top + (pairs + 1) * _HEIGHT_OF_PAIR))
        area = (right + _MARGIN, top, right + beside, bottom)
        right += beside
    elif below:
        area = (_MARGIN, bottom + _MARGIN, right, min(max_side - _MARGIN, bottom + _MARGIN + below))
        bottom = area[3]
    return _Frame((right + _MARGIN, bottom + _MARGIN), page, area, text_size)


def _line_height(text_size: int) -> int:
    return round(text_size * 1.5)


# ---------------------------------------------------------------- the page


def _number(result: PageResult, key_labels: Sequence[str]) -> list[NumberedPair]:
    """The pairs of the page; those of one key share its number, which counts from 1 in reading order."""
    numbers: dict[int, int] = {}
    return [
        NumberedPair(numbers.setdefault(pair.key_index, len(numbers) + 1), pair)
        for pair in key_values(result, key_labels)
    ]


def _draw_page(
    result: PageResult, pairs: Sequence[NumberedPair], page: np.ndarray, scale: Scale, with_tags: bool
) -> Image.Image:
    """The page with its entities, arrows and, where there is room, their tags."""
    line_width = 1 if max(page.shape) < 1000 else 2
    shapes = [
        (_scale(entity.polygon, scale), drawing.label_colour(entity.label)) for entity in result.entities
    ]
    pixels = drawing.fill_polygons(page, shapes, line_width)
    related = [(each.pair.key, each.pair.value) for each in pairs if each.pair.value]
    ends = [(_scaled_box(key, scale), _scaled_box(value, scale)) for key, value in related]
    around = [_scaled_box(entity, scale) for entity in result.entities]
    pixels = drawing.draw_arrows(pixels, ends, around, drawing.RELATION_COLOUR, line_width)
    picture = Image.fromarray(pixels)
    if not with_tags:
        return picture
    draw = ImageDraw.Draw(picture)
    font = load_font(max(8, round(max(page.shape) / 140)))
    numbers = _numbers_of_entities(pairs)
    for index, entity in enumerate(result.entities):
        box = _scaled_box(entity, scale)
        text = _tag(entity, numbers.get(index))
        drawing.draw_tag(draw, (box[0], box[1]), text, font, drawing.label_colour(entity.label))
    return picture


def _tag(entity: Entity, number: str | None) -> str:
    """The number of a listed entity; its confidence where that is low or the entity is not listed."""
    if number is not None and entity.confidence >= LOW_CONFIDENCE:
        return number
    return f"{number or ''} {entity.confidence:.2f}".strip()


def _numbers_of_entities(pairs: Sequence[NumberedPair]) -> dict[int, str]:
    """By the entity's index: the number of the key that it is, or of all its keys."""
    numbers: dict[int, list[int]] = {}
    for each in pairs:
        for index in (each.pair.key_index, each.pair.value_index):
            if index is not None and each.number not in numbers.setdefault(index, []):
                numbers[index].append(each.number)
    return {index: ",".join(map(str, found)) for index, found in numbers.items()}


def _scale(polygon: Polygon, scale: Scale) -> Polygon:
    return tuple(value * scale[index % 2] for index, value in enumerate(polygon))


def _scaled_box(entity: Entity, scale: Scale) -> Box:
    x0, y0, x1, y1 = entity.box
    return (x0 * scale[0], y0 * scale[1], x1 * scale[0], y1 * scale[1])


# ---------------------------------------------------------------- title, legend and banner


def _title(page: PageText) -> str:
    name = page.uri.rstrip("/").rsplit("/", 1)[-1]
    turned = f", turned by {page.rotation_deg}°" if page.rotation_deg else ""
    return f"{name}, page {page.page}{turned}"


def _legend(result: PageResult, pairs: Sequence[NumberedPair]) -> list[tuple[str, drawing.Colour]]:
    """The legend: labels with their colours and counts; the last entry is that of relations."""
    counts = Counter(entity.label for entity in result.entities)
    known = [label for label in _LEGEND_ORDER if label in counts]
    labels = known + sorted(counts.keys() - set(known))
    relations = sum(each.pair.value is not None for each in pairs)
    return [(f"{label.lower()} {counts[label]}", drawing.label_colour(label)) for label in labels] + [
        (f"relation {relations}", drawing.RELATION_COLOUR)
    ]


def _draw_title(
    draw: ImageDraw.ImageDraw,
    frame: _Frame,
    font: Font,
    title: str,
    legend: Sequence[tuple[str, drawing.Colour]],
) -> None:
    """A line that names the page, and under it the legend; what does not fit is left out."""
    x, y, right = _MARGIN, _MARGIN // 2, frame.size[0] - _MARGIN
    drawing.draw_text(draw, (x, y), drawing.shorten(title, font, right - x), font, drawing.INK)
    y += frame.line_height
    side = round(frame.text_size * 0.9)
    for index, (text, colour) in enumerate(legend):
        end = x + side + 6 + round(drawing.text_width(text, font))
        if end > right:
            return
        draw_sign = drawing.draw_arrow_sign if index == len(legend) - 1 else drawing.draw_box_sign
        draw_sign(draw, (x, y + round(frame.text_size * 0.32)), side, colour)
        drawing.draw_text(draw, (x + side + 6, y), text, font, drawing.INK)
        x = end + frame.text_size


def _draw_banner(draw: ImageDraw.ImageDraw, frame: _Frame, failed: FailedPage) -> None:
    """Stage and category in white on the banner; below it the page's name, and the message in two lines."""
    font = load_font(frame.text_size)
    failure, width, gap = failed.failure, frame.size[0] - 2 * _MARGIN, _MARGIN // 3
    draw.rectangle((0, 0, frame.size[0], frame.line_height + gap), fill=drawing.VERMILLION)
    kind = f"FAILED in stage {failure.stage.value}: {failure.category.value}"
    drawing.draw_text(draw, (_MARGIN, gap), drawing.shorten(kind, font, width), font, drawing.WHITE)
    lines = [drawing.shorten(_title(failed.page), font, width)]
    lines += drawing.wrap(failure.message, font, width, lines=2)
    for index, line in enumerate(lines, 1):
        place = (_MARGIN, index * frame.line_height + 2 * gap)
        drawing.draw_text(draw, place, line, font, drawing.INK)


def _draw_border(draw: ImageDraw.ImageDraw, area: Area) -> None:
    x0, y0, x1, y1 = area
    draw.rectangle((x0 - 1, y0 - 1, x1, y1), outline=drawing.RULE)


# ---------------------------------------------------------------- pixels in and out


def _open_preview(page: PageText, max_side: int) -> np.ndarray:
    """The preview's pixels, H x W x 3 uint8 RGB."""
    if page.preview is None:
        raise ValueError(f"page {page.page} has no preview to draw on")
    if max_side < SMALLEST_SIDE:
        raise ValueError(f"max_side must be at least {SMALLEST_SIDE}, not {max_side}")
    # The same pixels as Pillow's, without two copies of them on the way.
    return simplejpeg.decode_jpeg(page.preview, "RGB")


def _fit(preview: np.ndarray, frame: _Frame) -> np.ndarray:
    x0, y0, x1, y1 = frame.page
    size = (x1 - x0, y1 - y0)
    shrink = size[1] / preview.shape[0]
    method = cv2.INTER_LINEAR if shrink < 1 else cv2.INTER_CUBIC
    if shrink < 0.5:
        method = cv2.INTER_AREA
    return cv2.resize(preview, size, interpolation=method)


def _jpeg(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    # Full colour resolution: thin coloured lines would bleed otherwise.
    picture.save(data, "JPEG", quality=_QUALITY, subsampling=0)
    return data.getvalue()
