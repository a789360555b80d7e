from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from beam_kie.ocr.ppocr import sessions
from beam_kie.ocr.ppocr.sessions import Sessions


def doubling():
    value = ops.parameter([4], np.float32)
    doubled = ops.multiply(value, ops.constant(np.float32(2)))
    return ov.Model([doubled], [value], "doubling")  # pyright: ignore[reportGeneralTypeIssues]


def answer(network, values):
    with network.answer(np.array(values, np.float32)) as (found,):
        return found.tolist()


def refuse():
    raise AssertionError("made anew")


def test_a_network_is_made_once_and_answers_threads_at_once():
    made = []
    shared = Sessions(2)
    with ThreadPoolExecutor(4) as pool:
        networks = list(
            pool.map(lambda _: shared.network("double", lambda: made.append(1) or doubling()), range(8))
        )
        assert len(made) == 1
        asked = [[n, n + 1, n + 2, n + 3] for n in range(40)]
        found = list(pool.map(lambda values: answer(networks[0], values), asked))
    assert found == [[2 * value for value in values] for values in asked]


def test_what_was_compiled_is_kept_for_the_next_process(tmp_path):
    first = Sessions(1, tmp_path).network("double", doubling)
    again = Sessions(1, tmp_path).network("double", refuse)
    assert answer(again, [1, 2, 3, 4]) == answer(first, [1, 2, 3, 4]) == [2, 4, 6, 8]
    with pytest.raises(AssertionError, match="made anew"):
        Sessions(1, tmp_path).network("another", refuse)
    with pytest.raises(AssertionError, match="made anew"):
        Sessions(2, tmp_path).network("double", refuse)


def test_a_kept_network_is_mapped_and_outlives_its_file(tmp_path):
    Sessions(1, tmp_path).network("double", doubling)
    (kept,) = tmp_path.iterdir()
    network = Sessions(1, tmp_path).network("double", refuse)
    assert str(kept) in Path("/proc/self/maps").read_text("utf-8")
    kept.unlink()
    assert answer(network, [1, 2, 3, 4]) == [2, 4, 6, 8]


@pytest.mark.parametrize("content", [b"damaged", b""])
def test_a_damaged_file_is_made_anew(tmp_path, content):
    Sessions(1, tmp_path).network("double", doubling)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(content)
    assert answer(Sessions(1, tmp_path).network("double", doubling), [1, 0, 0, 0]) == [2, 0, 0, 0]
    assert kept.stat().st_size > 100


@pytest.mark.parametrize("slow", [True, False])
def test_float32_where_bfloat16_is_slow(tmp_path, monkeypatch, slow):
    monkeypatch.setattr(sessions, "is_slow_at_bfloat16", lambda: slow)
    of_this_type = Sessions(1, tmp_path)
    capable = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert of_this_type.float32 == (slow or not capable)
    of_this_type.network("double", doubling)
    # What was compiled for the other type is not taken.
    monkeypatch.setattr(sessions, "is_slow_at_bfloat16", lambda: not slow)
    if capable:
        with pytest.raises(AssertionError, match="made anew"):
            Sessions(1, tmp_path).network("double", refuse)


def test_a_folder_that_is_gone_is_no_reason_to_stop(tmp_path):
    network = Sessions(1, tmp_path / "gone").network("double", doubling)
    assert answer(network, [1, 0, 0, 0]) == [2, 0, 0, 0]


def test_where_networks_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv(sessions.CACHE_FOLDER, str(tmp_path / "named"))
    assert sessions.cache_folder() == tmp_path / "named" / "ocr"
    assert (tmp_path / "named" / "ocr").is_dir()
    monkeypatch.setenv(sessions.CACHE_FOLDER, "")
    assert sessions.cache_folder() is None
    monkeypatch.delenv(sessions.CACHE_FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert sessions.cache_folder() == tmp_path / "xdg" / "beam-kie" / "ocr"
    (tmp_path / "file").touch()
    monkeypatch.setenv(sessions.CACHE_FOLDER, str(tmp_path / "file"))
    assert sessions.cache_folder() is None
