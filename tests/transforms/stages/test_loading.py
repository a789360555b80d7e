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
