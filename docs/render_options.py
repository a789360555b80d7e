"""Writes the flags into docs/options.md, from the flags themselves: ``make docs``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from transforms.launch.arguments import argument_parser, own_groups

PAGE = Path(__file__).with_name("options.md")
_GENERATED = re.compile(r"(<!-- flags: .*? -->\n).*(<!-- end of flags -->)", re.DOTALL)


def render(page: str) -> str:
    """``page`` with the tables of flags, one for each group of the help, brought up to date."""
    return _GENERATED.sub(lambda found: found[1] + _tables() + found[2], page)


def _tables() -> str:
    parts = []
    for group in own_groups(argument_parser()):
        parts.append(f"\n## {group.title}\n\n| flag | what | default |\n|---|---|---|\n")
        parts += [_row(action) for action in group._group_actions]
    return "".join([*parts, "\n"])


def _row(action) -> str:
    text, default = re.fullmatch(r"(.*) \(default: (.*)\)", action.help).groups()
    values = "/".join(action.choices) if action.choices else action.metavar
    return f"| `{action.option_strings[0]} {values}` | {text.replace('*', chr(92) + '*')} | {default} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
