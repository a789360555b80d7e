import re
from pathlib import Path

from transforms.config import RESULT_OPTIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reruns.md"


def test_the_page_names_every_option_that_makes_documents_new():
    paragraph = re.search(r"\*\*Options\.\*\*.*?\n\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert paragraph
    named = re.findall(r"`--(\w+)`", paragraph.group())
    assert set(RESULT_OPTIONS) <= set(named)
