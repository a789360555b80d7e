"""Models: references, downloads, the cache, and imports of published checkpoints."""

from __future__ import annotations

from model_store.downloads import register_opener
from model_store.errors import FetchError, ModelNotFoundError, SourceError, StoreError
from model_store.references import BUNDLED, resolve

__all__ = [
    "BUNDLED",
    "FetchError",
    "ModelNotFoundError",
    "SourceError",
    "StoreError",
    "register_opener",
    "resolve",
]
