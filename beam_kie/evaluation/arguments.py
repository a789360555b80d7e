"""Parsing of arguments and progress messages, shared by the commands of this package."""

from __future__ import annotations

import argparse
import re
import sys

from tqdm import tqdm

from beam_kie.ocr.box_geometry import GEOMETRIES


class UsageError(Exception):
    """Something the caller has to change; the message is one line."""


class Parser(argparse.ArgumentParser):
    """Raises UsageError in place of leaving the process."""

    def error(self, message):
        """Raises the error instead of leaving the process.

        Args:
            message: what is wrong with the arguments.

        Raises:
            UsageError: always.
        """
        raise UsageError(message)


def positive(text: str) -> int:
    """An argument that is a whole number above 0.

    Args:
        text: of the argument.

    Raises:
        ArgumentTypeError: it is less than 1.
        ValueError: it is no whole number; argparse says so itself.
    """
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def regex(text: str) -> re.Pattern[str]:
    """An argument that is a regular expression.

    Args:
        text: of the argument.

    Raises:
        ArgumentTypeError: it is no regular expression.
    """
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from None


def page_range(text: str) -> slice:
    """A range of pages as a slice.

    Args:
        text: FROM:TO, pages from 1 and TO included; either may be left out.

    Raises:
        ArgumentTypeError: it is no such range.
    """
    match = re.fullmatch(r"(\d*):(\d*)", text)
    start, end = (int(number) if number else None for number in match.groups()) if match else (0, 0)
    if start == 0 or end == 0 or (start and end and start > end):
        raise argparse.ArgumentTypeError(f"{text!r} is not FROM:TO with pages from 1, for example 121:149")
    return slice(start - 1 if start else None, end)


def box_geometries(text: str) -> tuple[str, ...]:
    """Names of box geometries, each once.

    Args:
        text: names with commas between them, or "all".

    Raises:
        ArgumentTypeError: there is no such geometry.
    """
    names = tuple(GEOMETRIES) if text == "all" else tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in GEOMETRIES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(GEOMETRIES)}")
    return names


_bars: dict[str, tqdm] = {}


def show_progress(what: str, done: int, total: int) -> None:
    """Progress on stderr: a terminal gets a bar with the time left, a log file a line now and then.

    Args:
        what: the name of the work.
        done: pages so far.
        total: pages in all.
    """
    if sys.stderr.isatty():
        bar = _bars.get(what) or tqdm(desc=what, total=total, unit="page", dynamic_ncols=True)
        _bars[what] = bar
        bar.update(done - bar.n)
        if done >= total:
            _bars.pop(what).close()
    elif done == total or done % 10 == 0:
        print(f"{what}: {done} of {total} pages", file=sys.stderr)
