import pytest
import torch

from beam_kie.document import Category, DocumentError, Failure, Stage
from beam_kie.failures import failure_of, is_out_of_memory
from tests import pages

PAGE = pages.page_text(page=3)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_running_out_of_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected


def raised(error):
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_message_never_quotes_the_error():
    failure = failure_of(raised(KeyError("李雷")), PAGE, Stage.OCR, Category.OCR_FAILED, "Report it.")
    assert (failure.stage, failure.category, failure.page) == (Stage.OCR, Category.OCR_FAILED, 3)
    assert "李雷" not in failure.message
    assert failure.message.startswith("KeyError at beam_kie/test_failures.py:")
    assert failure.message.endswith("Report it.")
    assert not failure.retryable


def test_a_failure_keeps_what_a_document_error_says():
    error = raised(DocumentError(Category.FILE_ENCRYPTED, "Remove the password.", retryable=True))
    document = pages.document()
    assert failure_of(error, document, Stage.DECODE, Category.FILE_CORRUPT, "x") == Failure(
        document.document_id,
        document.uri,
        None,
        Stage.DECODE,
        Category.FILE_ENCRYPTED,
        "Remove the password.",
        True,
    )


def test_running_out_of_memory_is_a_category_of_its_own_and_worth_another_try():
    failure = failure_of(raised(MemoryError()), PAGE, Stage.MODEL, Category.MODEL_FAILED, "x")
    assert (failure.category, failure.retryable) == (Category.OUT_OF_MEMORY, True)
