import pytest
import torch

from transforms.stages.isolation import predict_isolated


class Predictor:
    """Doubles numbers; raises ``error`` when a batch holds one of ``bad``. Remembers the batches."""

    def __init__(self, bad=(), error=ValueError):
        self.bad, self.error, self.batches = set(bad), error, []

    def __call__(self, batch):
        self.batches.append(list(batch))
        if self.bad & set(batch):
            raise self.error("the text of the page")
        return [2 * element for element in batch]


def failure_of(element, error):
    return ("failed", element, type(error).__name__)


def test_a_good_batch_is_predicted_once():
    predict = Predictor()
    assert predict_isolated(predict, [1, 2, 3], failure_of) == [2, 4, 6]
    assert predict.batches == [[1, 2, 3]]


def test_nothing_is_predicted_for_an_empty_batch():
    predict = Predictor()
    assert predict_isolated(predict, [], failure_of) == []
    assert predict.batches == []


@pytest.mark.parametrize("bad", [{0}, {7}, {3}, {1, 6}, {3, 4}, set(range(9))])
def test_only_the_elements_at_fault_fail_and_the_order_stays(bad):
    expected = [("failed", n, "ValueError") if n in bad else 2 * n for n in range(9)]
    assert predict_isolated(Predictor(bad), list(range(9)), failure_of) == expected


def test_batches_are_halved_and_good_elements_stay_together():
    predict = Predictor({7})
    predict_isolated(predict, list(range(8)), failure_of)
    assert [len(batch) for batch in predict.batches] == [8, 4, 4, 2, 2, 1, 1]


@pytest.mark.parametrize("error", [MemoryError, torch.OutOfMemoryError])
def test_a_batch_too_large_for_memory_is_halved_until_it_fits(error):
    sizes = []

    def predict(batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise error("CUDA out of memory")
        return list(batch)

    assert predict_isolated(predict, list(range(8)), failure_of) == list(range(8))
    assert sizes == [8, 4, 2, 2, 4, 2, 2]


def test_a_failed_batch_is_released_before_its_halves_are_tried():
    class Tensors:
        alive = 0

        def __init__(self):
            Tensors.alive += 1

        def __del__(self):
            Tensors.alive -= 1

    alive_at_start = []

    def predict(batch):
        alive_at_start.append(Tensors.alive)
        tensors = Tensors()
        if len(batch) > 1:
            raise MemoryError(str(id(tensors)))
        return list(batch)

    assert predict_isolated(predict, [1, 2, 3, 4], failure_of) == [1, 2, 3, 4]
    assert alive_at_start == [0] * 7


def test_a_wrong_number_of_results_is_an_error_of_the_batch():
    def predict(batch):
        return batch if len(batch) == 1 else batch[:-1]

    assert predict_isolated(predict, [1, 2, 3], failure_of) == [1, 2, 3]
    assert predict_isolated(lambda batch: [], [1], failure_of) == [("failed", 1, "RuntimeError")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_signal_to_stop_is_not_a_failure_of_a_page(error):
    with pytest.raises(error):
        predict_isolated(Predictor({1}, error), [1, 2], failure_of)
