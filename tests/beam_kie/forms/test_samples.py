from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from beam_kie.forms.samples import BROKEN_FILE, LABELS_FILE, SAMPLES, page_name, sample_labels
from beam_kie.labelled.formats import paddleocr_line, read_labels

FOLDER = Path(__file__).parents[3] / "samples"


def test_the_committed_labels_are_those_the_generator_makes():
    made = [paddleocr_line(page) for page in sample_labels()]
    assert made == (FOLDER / LABELS_FILE).read_text("utf-8").splitlines()


def test_every_file_is_there_and_nothing_else():
    names = {sample.name for sample in SAMPLES} | {BROKEN_FILE, LABELS_FILE, "README.md"}
    assert {path.name for path in FOLDER.iterdir()} == names
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 6_000_000


def page_sizes(sample):
    path = FOLDER / sample.name
    if path.suffix == ".pdf":
        document = pypdfium2.PdfDocument(path)
        return [tuple(round(side * 200 / 72) for side in page.get_size()) for page in document]
    with Image.open(path) as image:
        sizes = []
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            sizes.append(image.size)
        return sizes


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_labels_fit_the_committed_pictures(sample):
    pages = {page.name: page for page in read_labels(FOLDER / LABELS_FILE)}
    sizes = page_sizes(sample)
    assert len(sizes) == len(sample.pages)
    for number, (width, height) in enumerate(sizes, 1):
        page = pages[page_name(sample, number)]
        assert 40 <= len(page.entries) <= 130
        assert page.relations()
        for entry in page.entries:
            assert min(entry.polygon) >= 0
            assert max(entry.polygon[0::2]) <= width + 1
            assert max(entry.polygon[1::2]) <= height + 1


def test_the_set_holds_every_language_and_oddity_it_should():
    assert {page.language for sample in SAMPLES for page in sample.pages} == {
        "zh",
        "en",
        "ja",
        "de",
        "fr",
        "es",
    }
    assert any(page.settings.turn_deg == 90 for sample in SAMPLES for page in sample.pages)
    with Image.open(FOLDER / "en_patient_fax.tif") as fax:
        assert (fax.mode, fax.n_frames, fax.info["compression"]) == ("1", 3, "group4")


def test_the_broken_file_is_broken():
    with Image.open(FOLDER / BROKEN_FILE) as image, pytest.raises(OSError, match="truncated"):
        image.load()
