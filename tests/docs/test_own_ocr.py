"""The file that docs/own-ocr.md shows is one that --ocr_lines takes, and its flags are the converter's."""

import re
from pathlib import Path

import pytest

from beam_kie.ocr.convert.__main__ import main
from beam_kie.ocr.given import read_lines_file

TEXT = (Path(__file__).parents[2] / "docs" / "own-ocr.md").read_text(encoding="utf-8")


def test_the_file_that_is_shown_can_be_read():
    (shown,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    (page,) = read_lines_file([shown.replace("\n", " ")]).values()
    assert len(page.on_page(2480, 3508)) == 2


def test_flags_of_the_converter_are_described(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    for flag in set(re.findall(r"--\w+", capsys.readouterr().out)) - {"--help", "--version", "--output"}:
        assert f"`{flag} " in TEXT, flag
