"""Where weights come from."""

from __future__ import annotations

from pathlib import Path

BUNDLED = Path(__file__).parent / "bundled"


class ModelNotFoundError(ValueError):
    """A model reference that leads nowhere; the message says what a reference may be."""


def resolve(reference: str) -> Path:
    """The folder of a model: "bundled", or a folder's own path. Raises ModelNotFoundError."""
    folder = BUNDLED if reference == "bundled" else Path(reference)
    if not (folder / "config.json").is_file():
        raise ModelNotFoundError(
            f'model {reference!r}: no config.json in {folder}; give "bundled" or the folder of a model'
        )
    return folder
