import threading

import pytest

from transforms.stages.loading import Loading


def test_what_is_loading_is_waited_for_by_all_who_ask():
    begin = threading.Event()

    def load():
        assert begin.wait(20)
        return "model"

    loading = Loading(load)
    begin.set()
    assert [loading.result(), loading.result()] == ["model", "model"]


def test_what_loading_raises_is_raised_wherever_the_model_is_asked_for():
    def fail():
        raise ValueError("no such model")

    loading = Loading(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no such model"):
            loading.result()


def test_loading_waits_until_it_is_asked_for():
    begun = threading.Event()
    loading = Loading(begun.set, wait_s=600)
    assert not begun.wait(0.1)
    loading.result()
    assert begun.is_set()


def test_loading_does_not_wait_to_be_asked_for():
    begun = threading.Event()
    Loading(begun.set, wait_s=0.01)
    assert begun.wait(60)
