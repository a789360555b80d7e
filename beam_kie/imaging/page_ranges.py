"""Ranges of the pages of a long file, which are read apart from each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_kie.options import Effect, check_options, option


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeOptions:
    """How many pages of a file are read together, at least 0."""

    range_pages: int = field(
        default=50,
        metadata=option(
            "Pages of a PDF or TIFF file that one worker reads together. Longer files are cut into ranges of "
            "about equal length, which the workers share; 0: no file is cut.",
            group="Input",
            effect=Effect.NONE,
            metavar="N",
            minimum=0,
        ),
    )

    def __post_init__(self) -> None:
        check_options(self)


def cut_pages(first: int, last: int, most: int) -> list[tuple[int, int]]:
    """Cut pages into as few ranges as possible, whose lengths differ by one page at most.

    Args:
        first: the first page.
        last: the last page, not before ``first``.
        most: pages of a range; 0: all are one range.

    Returns:
        First and last page of each range, in order.
    """
    pages = last - first + 1
    count = -(-pages // most) if most else 1
    bounds = [first + pages * number // count for number in range(count + 1)]
    return [(bounds[number], bounds[number + 1] - 1) for number in range(count)]
