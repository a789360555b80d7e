import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from beam_kie.ocr.ppocr.pytorch import owner as owners
from beam_kie.ocr.ppocr.pytorch.owner import DeviceOwner

SMALL, WIDE = (2, 3, 3), (2, 5, 3)


def picture(value, shape=SMALL):
    return np.full(shape, value, np.uint8)


@pytest.fixture
def owner():
    return DeviceOwner(torch.device("cpu"), batch_pixels=6 * 4)


def sums(pictures):
    return [pictures.float().sum(dim=(1, 2, 3)), pictures[:, 0, 0, 0]]


def test_every_picture_gets_its_own_answer_in_batches_of_one_size(owner):
    owner.add("sums", sums)
    pictures = [picture(n, WIDE if n % 3 else SMALL) for n in range(12)]
    answers = [future.result(10) for future in owner.submit("sums", pictures)]
    assert [int(first) for _, first in answers] == list(range(12))
    assert [float(total) for total, _ in answers] == [float(each.sum()) for each in pictures]
    # 4 small ones fit into a batch, and 2 wide ones.
    assert owner.batches == {("sums", 4): 1, ("sums", 2): 4}


def test_a_picture_larger_than_a_batch_goes_alone(owner):
    owner.add("sums", sums)
    answers = owner.submit("sums", [picture(n, (9, 9, 3)) for n in range(3)])
    assert [int(future.result(10)[1]) for future in answers] == [0, 1, 2]
    assert owner.batches == {("sums", 1): 3}


def test_what_threads_ask_for_meanwhile_is_computed_together(owner):
    begun, go_on = threading.Event(), threading.Event()

    def slow(pictures):
        begun.set()
        assert go_on.wait(10)
        return sums(pictures)

    owner.add("slow", slow)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(lambda: owner.submit("slow", [picture(0)])[0].result(10))
        assert begun.wait(10)
        others = [owner.submit("slow", [picture(n)])[0] for n in (1, 2, 3)]
        go_on.set()
        assert [int(each[1]) for each in (first.result(), *(other.result(10) for other in others))] == [
            0,
            1,
            2,
            3,
        ]
    assert owner.batches == {("slow", 1): 1, ("slow", 3): 1}


def test_running_out_of_memory_halves_batches_from_then_on(owner):
    sizes = []

    def hungry(pictures):
        sizes.append(len(pictures))
        if len(pictures) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return sums(pictures)

    owner.add("hungry", hungry)
    answers = owner.submit("hungry", [picture(n) for n in range(4)])
    assert [int(future.result(10)[1]) for future in answers] == [0, 1, 2, 3]
    assert sizes == [4, 2, 1, 1, 1, 1]
    assert int(owner.submit("hungry", [picture(7), picture(8)])[1].result(10)[1]) == 8
    assert sizes[6:] == [1, 1]


def test_a_picture_that_fails_fails_alone(owner):
    def picky(pictures):
        if (pictures == 66).any():
            raise RuntimeError("no")
        return sums(pictures)

    owner.add("picky", picky)
    answers = owner.submit("picky", [picture(n) for n in (1, 2, 66, 4)])
    assert [int(answers[index].result(10)[1]) for index in (0, 1, 3)] == [1, 2, 4]
    with pytest.raises(RuntimeError, match="no"):
        answers[2].result(10)
    # That was no lack of memory: batches are as large as before.
    owner.submit("picky", [picture(n) for n in range(4)])[3].result(10)
    assert owner.batches["picky", 4] == 1


def test_its_thread_ends_where_nothing_comes_and_begins_again(owner, monkeypatch):
    monkeypatch.setattr(owners, "_IDLE_S", 0.01)
    owner.add("sums", sums)
    for number in (1, 2):
        assert int(owner.submit("sums", [picture(number)])[0].result(10)[1]) == number
        deadline = time.monotonic() + 10
        while "ocr-device" in {thread.name for thread in threading.enumerate()}:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_buffers_hold_pictures(owner):
    buffer = owner.buffer(WIDE)
    buffer[:] = 9
    assert (buffer.shape, buffer.dtype, int(buffer.sum())) == (WIDE, np.uint8, 9 * 30)
