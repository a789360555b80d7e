"""Errors of this package; every message is one line that says what to do."""

from __future__ import annotations


class StoreError(ValueError):
    """A model is not available."""


class ModelNotFoundError(StoreError):
    """There is no model of that reference; the message says what a reference may be."""


class SourceError(StoreError):
    """Files that cannot be imported: damaged, malicious, or not those of a LayoutXLM."""


class FetchError(StoreError):
    """A download that failed, or whose checksum is not the expected one."""
