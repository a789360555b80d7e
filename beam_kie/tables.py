"""The tables of a run: schemas, rows and deterministic Parquet bytes."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who read the pages: names and revisions that go on every row. Known when the job is built.

    ``ocr_engine`` and ``ocr_revision`` are None where no OCR runs (``--ocr_engine none``).
    """

    ocr_engine: str | None
    ocr_revision: str | None
    model: str
    model_revision: str
