"""Field files by their names: those that come with the package, or files on any storage."""

from __future__ import annotations

from beam_kie.document import DocumentError
from beam_kie.fields.definitions import FieldFile
from beam_kie.fields.files import MAX_BYTES, READY_MADE, FieldFileError, parse_fields, ready_made
from transforms.storage import files
from transforms.storage.retries import reason


def load_fields(reference: str, timeout_s: float) -> FieldFile:
    """The fields that ``--fields`` names.

    Args:
        reference: one of READY_MADE, else the path or URI of a file.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        FieldFileError: there is no such file, or it cannot be used; one line.
        StorageError: the storage does not answer.
    """
    if reference in READY_MADE:
        return ready_made(reference)
    try:
        if not files.exists(reference, timeout_s):
            names = ", ".join(READY_MADE)
            raise FieldFileError(f"there is no file {reference!r}; ready-made ones are called {names}")
        data = files.read_bytes(reference, MAX_BYTES, timeout_s=timeout_s)
    except files.StorageError as error:
        if error.transient:
            raise
        raise FieldFileError(str(error)) from error
    except (DocumentError, OSError, ValueError) as error:
        if isinstance(error, FieldFileError):
            raise
        raise FieldFileError(f"cannot read {reference!r}: {reason(error)}") from error
    return parse_fields(data, reference)
