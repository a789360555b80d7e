"""From an exception to the Failure that the table ``failures`` holds."""

from __future__ import annotations

import traceback

from beam_kie.document import Category, Document, DocumentError, Failure, PageImage, PageText, Stage

# Messages of native libraries that raise a plain RuntimeError when an allocation fails.
_OUT_OF_MEMORY_WORDS = (
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "cannot allocate memory",
    "can't allocate memory",
)


def failure_of(
    error: Exception,
    failed: Document | PageImage | PageText,
    stage: Stage,
    category: Category,
    advice: str,
    retryable: bool = False,
) -> Failure:
    """The failure of a document or page.

    A DocumentError brings its own category, message and ``retryable``; running out of memory has a category
    of its own and is retryable. The message of any other error names the kind of error and the line that
    raised it, never the error's own text: that may quote what was on the page.

    Args:
        error: what was raised.
        failed: the document, or one page of it.
        stage: where in the job it was raised.
        category: for errors that bring none of their own.
        advice: one sentence for such errors that says what to do.
        retryable: whether, after such an error, a later run may succeed.

    Returns:
        The failure; ``page`` is None for a document.
    """
    if isinstance(error, DocumentError):
        category, message, retryable = error.category, error.message, error.retryable
    elif is_out_of_memory(error):
        category, retryable = Category.OUT_OF_MEMORY, True
        message = "Not enough memory for this page on its own. Run it on a machine with more memory."
    else:
        message = f"{type(error).__name__} {_place_of(error)}. {advice}"
    return Failure(
        document_id=failed.document_id,
        uri=failed.uri,
        page=None if isinstance(failed, Document) else failed.page,
        stage=stage,
        category=category,
        message=message,
        retryable=retryable,
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the host or on a GPU.

    Args:
        error: what was raised.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(
        word in str(error).lower() for word in _OUT_OF_MEMORY_WORDS
    )


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "at an unknown place"
    file_name = frames[-1].filename.replace("\\", "/")
    return f"at {'/'.join(file_name.split('/')[-2:])}:{frames[-1].lineno}"
