"""Label files of three formats: pages that training can use, or a LabelError that names the file."""

import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from beam_kie.labelled.alignment import gold_view, visual_view
from beam_kie.labelled.formats import LabelError, read_labels, write_paddleocr
from beam_kie.labelled.gold import gold_pages
from tests.fuzz.mutations import arbitrary, as_json, json_values, mutated, mutated_json
from tests.fuzz.sandbox import target

ENTRIES = [
    {
        "transcription": "Name:",
        "label": "question",
        "points": [[0, 0], [90, 0], [90, 20], [0, 20]],
        "id": 1,
        "linking": [[1, 2]],
    },
    {
        "transcription": "李雷",
        "label": "answer",
        "points": [[100, 0], [190, 0], [190, 20], [100, 20]],
        "id": 2,
        "linking": [[1, 2]],
    },
]
SEGMENTS = [
    {
        "id": 0,
        "text": "Name:",
        "box": [0, 0, 90, 20],
        "label": "question",
        "linking": [[0, 1]],
        "words": [{"text": "Name:", "box": [0, 0, 90, 20]}],
    },
    {"id": 1, "text": "A B", "box": [100, 0, 190, 60], "label": "answer", "linking": [[0, 1]], "words": []},
]
XFUND = {
    "lang": "zh",
    "documents": [{"id": "a", "img": {"fname": "a.jpg", "width": 200, "height": 100}, "document": SEGMENTS}],
}
FUNSD = {"form": SEGMENTS}
SEEDS = [b"a.png\t" + as_json(ENTRIES), as_json(XFUND), as_json(FUNSD)]
KINDS = ("paddleocr", "xfund", "funsd")
NAMES = ("a.png", "", "/dev/zero", "../../x", "x" * 300, "a\0b", "\ud800")


@target()
def read(call: tuple[str, bytes]) -> None:
    kind, data = call
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels.json")
        path.write_bytes(data)
        Path(folder, "images").mkdir()
        Path(folder, "images", "labels.png").write_bytes(data)  # a picture that is none
        try:
            pages = read_labels(folder if kind == "funsd" else path, images=folder)
        except LabelError as error:
            assert folder in str(error)
            return
        _use(pages, Path(folder, "written.txt"))


def _use(pages, path: Path) -> None:
    for gold in gold_pages(pages):
        assert all(len(pair) == 2 for pair in gold.pairs)
    for page in pages:
        assert page.width_px > 0 and page.height_px > 0
        gold_view(page)
        visual_view(page)
    write_paddleocr(path, pages)
    json.dumps([page.name for page in pages])


@given(kind=st.sampled_from(KINDS), data=arbitrary(b"", b"a.png\t", b'{"documents": '))
def test_any_bytes(sandbox, kind, data):
    sandbox.check(read, (kind, data))


@given(kind=st.sampled_from(KINDS), data=mutated(SEEDS, (b"\t", b"\n", b"NaN", b"Infinity", b"\\ud800")))
def test_damaged_files(sandbox, kind, data):
    sandbox.check(read, (kind, data))


@given(name=st.sampled_from(NAMES), entries=json_values() | mutated_json([ENTRIES]))
def test_other_values_in_paddleocrs_labels(sandbox, name, entries):
    sandbox.check(read, ("paddleocr", name.encode("utf-8", "replace") + b"\t" + as_json(entries)))


@given(value=json_values() | mutated_json([XFUND]))
def test_other_values_in_xfunds_labels(sandbox, value):
    sandbox.check(read, ("xfund", as_json(value)))


@given(value=json_values() | mutated_json([FUNSD]))
def test_other_values_in_funsds_labels(sandbox, value):
    sandbox.check(read, ("funsd", as_json(value)))
