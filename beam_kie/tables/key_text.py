"""The text of a key in a form in which the same key of many pages is the same text."""

from __future__ import annotations

import re
import unicodedata

# Behind NFKC, which makes ":" of "：" and "..." of "…".
_BULLETS = "•●○◦∙·‣▪▫■◆◇►▶▸▹➢➤★☆※*–—-"
_BEFORE = re.compile(rf"^[\s{re.escape(_BULLETS)}]+")
_BEHIND = re.compile(r"(?:[\s:*·∶︰]|\.{2,}|_{2,})+$")
_IN_WORDS_OF_CJK = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff])\s+(?=[\u3040-\u30ff\u3400-\u9fff])")
_IGNORED = str.maketrans("", "", "\u00ad\u200b\u200c\u200d\u2060\ufeff")


def normalise_key(text: str) -> str:
    """A key folded: Unicode's form NFKC, case folded, single spaces, without bullets, colons and leaders.

    Spaces between Chinese and Japanese characters go as well: they only spread a short key over its box.
    Accents and dots of abbreviations stay.

    Args:
        text: of a key, as it was read.

    Returns:
        The text; the folded text as it is where nothing else would be left, such as "*". Empty for an empty
        text.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = " ".join(folded.translate(_IGNORED).split())
    folded = _IN_WORDS_OF_CJK.sub("", folded)
    return _BEHIND.sub("", _BEFORE.sub("", folded)) or folded
