"""Isolation of errors in a batch: a failing batch is halved until the element at fault is alone."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from beam_kie.failures import is_out_of_memory

T = TypeVar("T")
R = TypeVar("R")


def predict_isolated(
    predict: Callable[[Sequence[T]], Sequence[R]],
    batch: Sequence[T],
    failure_of: Callable[[T, Exception], R],
) -> list[R]:
    """One result for each element of a batch, in order, also where ``predict`` raises.

    Where ``predict`` raises, or returns another number of results than it got elements, its batch is cut in
    halves that are tried on their own. After running out of memory, cached memory is given back first.

    Args:
        predict: makes one result of each element.
        batch: the elements.
        failure_of: makes the result of an element that fails alone, from it and the error.
    """
    elements = list(batch)
    if not elements:
        return []
    try:
        results = list(predict(elements))
        if len(results) != len(elements):
            raise RuntimeError(f"{len(results)} results for {len(elements)} elements")
        return results
    except Exception as error:
        if is_out_of_memory(error):
            _release_memory(error)
        if len(elements) == 1:
            return [failure_of(elements[0], error)]
    # Outside of the handler: its traceback would keep the tensors of the failed batch alive.
    half = len(elements) // 2
    first = predict_isolated(predict, elements[:half], failure_of)
    return first + predict_isolated(predict, elements[half:], failure_of)


def _release_memory(error: Exception) -> None:
    traceback.clear_frames(error.__traceback__)
    gc.collect()
    torch = sys.modules.get("torch")  # not imported only to clear a cache that cannot exist
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
