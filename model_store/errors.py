"""What can go wrong with a model; every message is one line that says what to do."""

from __future__ import annotations


class StoreError(ValueError):
    """A model that cannot be had."""


class ModelNotFoundError(StoreError):
    """A model reference that leads nowhere; the message says what a reference may be."""


class SourceError(StoreError):
    """Files that cannot be imported: broken, hostile, or not those of a LayoutXLM."""


class FetchError(StoreError):
    """A download that failed, or that is not what it was or should be."""
