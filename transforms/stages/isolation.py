"""One bad element costs only itself: halve a failing batch until the element at fault stands alone."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from beam_kie.document import Category, DocumentError

T = TypeVar("T")
R = TypeVar("R")

# What native libraries say when an allocation fails but they raise a plain RuntimeError.
_OUT_OF_MEMORY_WORDS = (
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "cannot allocate memory",
    "can't allocate memory",
)


def predict_isolated(
    predict: Callable[[Sequence[T]], Sequence[R]],
    batch: Sequence[T],
    failure_of: Callable[[T, Exception], R],
) -> list[R]:
    """One result per element of ``batch``, in order, whatever ``predict`` does.

    Where ``predict`` raises, or returns another number of results than it got elements, its batch is cut in
    halves that are tried on their own; an element that fails alone gets ``failure_of(element, error)``.
    Running out of memory is answered alike, after cached memory was given back.
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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on the host or on a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(
        word in str(error).lower() for word in _OUT_OF_MEMORY_WORDS
    )


class Reason(NamedTuple):
    """Why an element failed, as a ``failures`` row tells it."""

    category: Category
    message: str
    retryable: bool


def reason_of(error: Exception, category: Category, advice: str, retryable: bool = False) -> Reason:
    """What to report for ``error``; the other arguments are for errors that bring no answers of their own.

    The message names the kind of error and the line that raised it, never the error's own text: that may
    quote what was on the page.
    """
    if isinstance(error, DocumentError):
        return Reason(error.category, error.message, error.retryable)
    if is_out_of_memory(error):
        message = "Not enough memory for this page on its own. Run it on a machine with more memory."
        return Reason(Category.OUT_OF_MEMORY, message, True)
    return Reason(category, f"{type(error).__name__} {_place_of(error)}. {advice}", retryable)


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "at an unknown place"
    file_name = frames[-1].filename.replace("\\", "/")
    return f"at {'/'.join(file_name.split('/')[-2:])}:{frames[-1].lineno}"


def _release_memory(error: Exception) -> None:
    traceback.clear_frames(error.__traceback__)
    gc.collect()
    torch = sys.modules.get("torch")  # never imported just to clear a cache that cannot exist
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
