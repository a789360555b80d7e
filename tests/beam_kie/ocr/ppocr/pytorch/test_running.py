from dataclasses import replace

import numpy as np
import pytest

from beam_kie.ocr import Engine, OcrOptions
from beam_kie.ocr.ppocr.engine import PpOcrEngine
from beam_kie.ocr.ppocr.pytorch.running import TorchNetworks

OPTIONS = OcrOptions(engine=Engine.PPOCR, device="cpu", threads=1)


@pytest.fixture(scope="module")
def networks():
    return TorchNetworks("cpu")


@pytest.fixture(scope="module")
def torch_ppocr(tiny_file, networks):
    return PpOcrEngine(OPTIONS, networks)


def test_pages_read_as_on_a_cpu_without_pytorch(ppocr, torch_ppocr, networks, form, as_page, turned):
    pages = [as_page(form), as_page(turned(form, 180)), as_page(np.full_like(form, 255))]
    expected, found = ppocr.read(pages), torch_ppocr.read(pages)
    assert (torch_ppocr.name, torch_ppocr.revision) == (ppocr.name, ppocr.revision)
    assert [len(page.lines) for page in found] == [6, 6, 0]
    assert [page.rotation_deg for page in found] == [0, 180, 0]
    for page, other in zip(found, expected, strict=True):
        assert [line.text for line in page.lines] == [line.text for line in other.lines]
        for line, same in zip(page.lines, other.lines, strict=True):
            # There, numbers are bfloat16 where the CPU has them.
            assert line.polygon == pytest.approx(same.polygon, abs=3)
            assert line.confidence == pytest.approx(same.confidence, abs=0.05)
            assert np.abs(np.subtract(line.char_spans, same.char_spans)).max() < 0.05
    # Lines of the two pages with text were read in one batch for each width.
    assert max(count for kind, count in networks.owner.batches if kind != "pages") > 2


def test_only_letters_of_the_languages_asked_for_are_read(networks, form, as_page):
    latin = PpOcrEngine(replace(OPTIONS, languages="en,de"), networks)
    (page,) = latin.read([as_page(form)])
    text = "".join(line.text for line in page.lines)
    assert "Application" in text
    assert not any(character in text for character in "姓名李雷出生日期住所東京都")
