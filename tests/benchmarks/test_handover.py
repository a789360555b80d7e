import importlib.util
from pathlib import Path

import numpy as np

from beam_kie.document import PageImage
from tests.small_networks import form

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "handover.py"


def test_parts_of_a_page_are_weighed():
    spec = importlib.util.spec_from_file_location("handover", SCRIPT)
    handover = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(handover)
    page = form(30, picture=bytes(1000))
    image = PageImage("d", "memory://scan", 1, np.zeros((20, 10, 3), dtype=np.uint8))
    row = handover.weigh(image, page)
    assert tuple(row) == handover.COLUMNS
    assert (row["lines"], row["pixels"], row["preview"], row["picture"]) == (60, 600, 0, 1000)
    assert row["together"] - row["text"] >= 1000
    assert row["text"] < 200 * row["lines"], "lines have become heavy: they cross a shuffle"
