"""The page prior: evidence from the other keys of a page.

Forms in two languages print a key in one script and continue in the other on the next line, and either all
their keys do so or none. So where the score of one line is undecided, those of the others count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from beam_kie.text_width import char_width

FEWEST = 3  # with fewer such keys there is no prior
HOPELESS = -4.0  # joins with lower log odds are not counted


def script_changes(texts: Sequence[str], before: Sequence[int]) -> list[bool | None]:
    """Whether the script changes from the end of one piece to the start of the next.

    Args:
        texts: of all P pieces.
        before: for each piece the index of the one before it.

    Returns:
        For each piece True where wide characters follow narrow ones (Chinese after Latin), False for the
        other way round, None where the script stays the same.
    """
    return [_change(texts[index], text) for index, text in zip(before, texts, strict=True)]


def page_prior(odds: np.ndarray, changes: Sequence[bool | None], weight: float) -> np.ndarray:
    """The page prior of each piece, to be added to the log odds that it continues the one before it.

    Each piece gets ``weight`` times the mean of the others that change script as it does; where they are
    fewer than FEWEST, where it does not change, or where its own odds are HOPELESS, 0.

    Args:
        odds: P log odds of the pieces by themselves.
        changes: for each whether it changes script, and in which direction (``script_changes``); None: not.
        weight: how much the others count, 0 or more.

    Returns:
        P numbers, to be added to the log odds.
    """
    added = np.zeros(len(odds))
    for change in (False, True):
        alike = [i for i, each in enumerate(changes) if each is change and odds[i] > HOPELESS]
        if len(alike) >= FEWEST:
            own = odds[alike]
            added[alike] = weight * (own.sum() - own) / (len(alike) - 1)
    return added


def _change(before: str, after: str) -> bool | None:
    before, after = before.strip(), after.strip()
    if not before or not after:
        return None
    is_wide = char_width(after[0]) == 2
    return None if is_wide == (char_width(before[-1]) == 2) else is_wide
