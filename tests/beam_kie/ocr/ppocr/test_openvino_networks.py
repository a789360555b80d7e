import numpy as np
import pytest

from beam_kie.ocr import models
from beam_kie.ocr.crops import LINE_HEIGHT
from beam_kie.ocr.ppocr import sessions
from beam_kie.ocr.ppocr.files import tiny_model
from beam_kie.ocr.ppocr.openvino_networks import OpenVinoNetworks
from beam_kie.ocr.ppocr.reader import ReaderSettings
from beam_kie.ocr.ppocr.sessions import Sessions

WIDTHS = (128, 640, 768, 1024)


@pytest.mark.parametrize("float32", [True, False])
def test_in_float32_wide_lines_share_a_network(monkeypatch, float32):
    path = tiny_model() or models.bundled_model("rec")
    monkeypatch.setattr(sessions, "is_slow_at_bfloat16", lambda: True)
    shared = Sessions(1)
    shared.float32 = float32
    frames = OpenVinoNetworks(shared).frames(path, ReaderSettings(WIDTHS))
    noise = np.random.default_rng(0).integers(0, 255, (LINE_HEIGHT, 1000, 3), np.uint8)
    lines = [np.ascontiguousarray(noise[:, :width]) for width in (100, 600, 700, 1000)]
    together = list(frames.classify(lines))
    assert len([key for key in shared._networks if key.startswith("line")]) == (2 if float32 else 4)
    # What a network of any width read before makes no difference.
    for line, read in zip(lines, together, strict=True):
        (alone,) = frames.classify([line])
        assert alone.classes.tolist() == read.classes.tolist()
        assert alone.probabilities.tobytes() == read.probabilities.tobytes()


@pytest.mark.parametrize(("float32", "count"), [(True, 3), (False, 2)])
def test_usual_lines_find_all_networks_prepared(float32, count):
    shared = Sessions(1)
    shared.float32 = float32
    frames = OpenVinoNetworks(shared).frames(
        tiny_model() or models.bundled_model("rec"), ReaderSettings(WIDTHS)
    )
    for _ in frames.prepare():
        pass
    prepared = set(shared._networks)
    assert len(prepared) == count, "the head, 128 pixels, and the one of any width"
    list(frames.classify([np.full((LINE_HEIGHT, 128, 3), 255, np.uint8)]))
    assert set(shared._networks) == prepared
