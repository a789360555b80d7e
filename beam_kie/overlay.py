"""Pictures of what was found on a page."""

from __future__ import annotations

from dataclasses import dataclass

from beam_kie.document import Failure, PageResult, PageText


@dataclass(frozen=True, slots=True)
class FailedPage:
    """A page that was decoded but failed later, with its picture.

    ``page.preview`` is the JPEG to draw on; ``page.lines`` may be empty (OCR failed). The failure itself
    also goes to the failures output: this value only makes its picture possible.
    """

    failure: Failure
    page: PageText


def draw_overlay(result: PageResult, max_side: int) -> bytes:
    """Draw entities and relations of ``result`` on its preview: one JPEG, no side longer than ``max_side`` px."""
    raise NotImplementedError


def draw_failure(failed: FailedPage, max_side: int) -> bytes:
    """Draw the page under a red banner that says stage and category: one JPEG."""
    raise NotImplementedError
