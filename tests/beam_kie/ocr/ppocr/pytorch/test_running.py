from dataclasses import replace

import numpy as np
import pytest

from beam_kie.ocr import Engine, OcrOptions, identify_engine, models
from beam_kie.ocr.ppocr import files
from beam_kie.ocr.ppocr.engine import PpOcrEngine
from beam_kie.ocr.ppocr.openvino_networks import OpenVinoNetworks
from beam_kie.ocr.ppocr.pytorch.running import TorchNetworks
from beam_kie.ocr.ppocr.sessions import Sessions, cache_folder

OPTIONS = OcrOptions(engine=Engine.PPOCR, device="cpu", threads=1)


@pytest.fixture(scope="module")
def networks():
    return TorchNetworks("cpu")


@pytest.fixture(scope="module")
def torch_ppocr(networks):
    return PpOcrEngine(OPTIONS, networks)


@pytest.fixture(scope="module")
def small_alone():
    """The engine on a CPU, with the small recogniser for all lines."""
    networks = OpenVinoNetworks(Sessions(2, cache_folder()))
    networks.tiny_first = networks.keeps_classes = False
    return PpOcrEngine(OPTIONS, networks)


def test_pages_read_as_on_a_cpu_without_pytorch(small_alone, torch_ppocr, networks, form, as_page, turned):
    pages = [as_page(form), as_page(turned(form, 180)), as_page(np.full_like(form, 255))]
    expected, found = small_alone.read(pages), torch_ppocr.read(pages)
    assert (torch_ppocr.name, torch_ppocr.revision) == (small_alone.name, small_alone.revision)
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


def test_the_small_recogniser_reads_all_lines_alone(ppocr, networks, form, as_page, caplog):
    """Also with the tiny one installed, and nobody is told to install it."""
    files.tell_that_tiny_is_missing.cache_clear()
    engine = PpOcrEngine(OPTIONS, networks)
    networks.owner.batches.clear()
    engine.read([as_page(form)])
    assert {kind for kind, _ in networks.owner.batches} == {"pages", str(models.bundled_model("rec"))}
    assert caplog.text == ""
    # A launcher without a GPU knows what workers with one read with.
    assert identify_engine(replace(OPTIONS, device="cuda")) == (engine.name, engine.revision)
    assert engine.name == "ppocr/PP-OCRv6-small"
    assert engine.revision != ppocr.revision


def test_only_letters_of_the_languages_asked_for_are_read(networks, form, as_page):
    latin = PpOcrEngine(replace(OPTIONS, languages="en,de"), networks)
    (page,) = latin.read([as_page(form)])
    text = "".join(line.text for line in page.lines)
    assert "Application" in text
    assert not any(character in text for character in "姓名李雷出生日期住所東京都")
