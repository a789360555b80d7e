"""docs/review.md: its example is a file of corrections, its keys are the page's, its pictures are there."""

import json
import re
from pathlib import Path

from beam_kie.labelled.corrections_file import parse_corrections

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")


def test_example_is_a_file_of_corrections():
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    corrections = parse_corrections(json.loads(text), "docs/review.md")
    assert corrections.pages[0].entities[1].name == corrections.pages[0].links[0].value


def test_keys_are_those_of_the_page():
    static = ROOT / "beam_kie" / "review" / "static"
    known = re.findall(r"\n      ([a-z]): ", (static / "commands.js").read_text(encoding="utf-8"))
    assert len(known) > 8
    told = {key.lower() for key in re.findall(r"`([A-Z])`", PAGE.split("## Keys")[1].split("\n## ")[0])}
    assert {*known, "s"} - {"e"} == told


def test_pictures_and_pages_that_it_names_are_there():
    for name in re.findall(r"\]\(([^)#:]+)", PAGE):
        assert (ROOT / "docs" / name).is_file(), name


def test_options_are_those_of_the_command():
    from beam_kie.labelled.corrections import _parser

    options = {
        text for action in _parser()._actions for text in action.option_strings if text.startswith("--")
    }
    told = set(re.findall(r"^\| `(--\w+)", PAGE, re.MULTILINE))
    assert told == options - {"--help", "--version", "--run", "--pages"}
