"""Writes the options into docs/options.md, from their declarations: ``make docs``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from beam_kie.options import Option
from transforms.launch.options import groups, placeholder

PAGE = Path(__file__).with_name("options.md")
_GENERATED = re.compile(r"(<!-- flags: .*? -->\n).*(<!-- end of flags -->)", re.DOTALL)


def render(page: str) -> str:
    """The page of options with its tables brought up to date, one for each group of ``--help``.

    Args:
        page: The text of docs/options.md.

    Returns:
        The new text.
    """
    return _GENERATED.sub(lambda found: found[1] + _tables() + found[2], page)


def _tables() -> str:
    parts = []
    for title, options in groups().items():
        parts.append(f"\n## {title}\n\n| flag | what | default |\n|---|---|---|\n")
        parts += [_row(item) for item in options]
    return "".join([*parts, "\n"])


def _row(item: Option) -> str:
    values = "/".join(item.choices) or placeholder(item)
    text = item.info.help.replace("*", r"\*")
    return f"| `--{item.flag} {values}` | {text} | {item.shown_default} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
