"""Keys and values in one line, on a real page."""

from itertools import islice
from pathlib import Path

import pytest

from beam_kie.document import PageImage
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.imaging.marks import with_ruling
from beam_kie.layoutxlm.config import STRIPS
from beam_kie.layoutxlm.inputs.images import with_picture
from beam_kie.layoutxlm.model import KieModel
from beam_kie.ocr import OcrOptions, create_engine
from model_store.references import bundled

FAX = Path(__file__).resolve().parents[4] / "samples" / "en_patient_fax.tif"


@pytest.mark.skipif("bundled" not in bundled(), reason="the bundled model is not installed")
def test_a_short_value_behind_a_colon_is_not_a_part_of_its_key():
    """A single token outweighs no high price: "GENDER: Male", "STATE: OH" and others were one key each."""
    model = KieModel.load(bundled()["bundled"], device="cpu")
    (image,) = islice(decode_pages(FAX.read_bytes(), "fax", FAX.name, DecodeLimits()), 1)
    assert isinstance(image, PageImage)
    (read,) = create_engine(OcrOptions(threads=1)).read([image])
    page = with_picture(with_ruling(read, image.pixels), image.pixels, STRIPS)
    (result,) = model.predict([page])
    found = {(result.entities[r.head].text, result.entities[r.tail].text) for r in result.relations}
    assert {("GENDER:", "Male"), ("STATE:", "OH"), ("PULSE (BPM):", "64")} <= found
    keys = [e.text for e in result.entities if e.label == "QUESTION" and not e.text.startswith("Section")]
    assert [text for text in keys if ": " in text.strip(": ")] == []
