"""What a run adds up to: counts, confidences and stage times, and the layout of ``summary.json``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageTime:
    """Work of one stage, as a worker measured it.

    ``stage`` is one of "read", "decode", "ocr", "model", "overlay"; ``seconds`` is the wall time that
    one worker thread spent, ``items`` how many files or pages it was spent on. Times of all workers are
    added up, so a stage's sum may be longer than the run.
    """

    stage: str
    seconds: float
    items: int = 1
