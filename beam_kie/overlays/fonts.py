"""Fonts for pictures: one that has Chinese, Japanese and Korean characters beside Latin ones.

Nothing is downloaded: the font comes inside a package, else from the system, else Pillow's own small one.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont

_LOGGER = logging.getLogger(__name__)

_PACKAGE = "noto_cjk_sans_otc"
# Every regional font of a Noto collection has all characters; they differ in how these are drawn.
_NOTO_FACES = {"ja": 0, "ko": 1, "zh": 2}

# Searched in this order where the package is absent. Noto collections have the faces above.
_SYSTEM_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
)


_LOOK_ALIKES = str.maketrans({"☑": "[√]", "☒": "[x]", "☐": "□", "✓": "√", "✔": "√", "✗": "×", "✘": "×"})


def load_font(size_px: int, script: str = "zh") -> Font:
    """A font from the best source found. A warning is logged once per process where it has no CJK characters.

    Args:
        size_px: the size of the text in pixels.
        script: "zh", "ja" or "ko": whose shapes Chinese characters take.
    """
    path = font_file()
    if path is None:
        return _pillow_font(size_px)
    face = _NOTO_FACES.get(script, 0) if "NotoSansCJK" in path.name else 0
    return _font(path, size_px, face)


def script_of(texts: Iterable[str]) -> str:
    """Whose shapes Chinese characters take here: "ja" beside kana, "ko" beside Hangul, else "zh".

    Args:
        texts: all texts of a page.
    """
    names = {unicodedata.name(char, "").split(" ", 1)[0] for char in set("".join(texts))}
    if names & {"HIRAGANA", "KATAKANA"}:
        return "ja"
    return "ko" if "HANGUL" in names else "zh"


def drawable(text: str) -> str:
    """``text`` with the marks that Noto's CJK fonts lack written with others that look alike.

    Args:
        text: any text.
    """
    return text.translate(_LOOK_ALIKES)


@lru_cache(maxsize=1)
def font_file() -> Path | None:
    """The font file in use; None where there is neither the package nor a known system font."""
    candidates = [*_packaged_fonts(), *map(Path, _SYSTEM_FONTS)]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None or found.name.startswith("DejaVu"):
        _LOGGER.warning(
            "no font with Chinese characters found, pictures will lack them: pip install noto-cjk-sans-otc"
        )
    return found


def _packaged_fonts() -> list[Path]:
    package = importlib.util.find_spec(_PACKAGE)
    folders = package.submodule_search_locations if package else None
    return [path for folder in folders or () for path in sorted(Path(folder).glob("*.ttc"))]


@lru_cache(maxsize=64)
def _font(path: Path, size_px: int, face: int) -> Font:
    # The basic layout engine draws the same pixels whether or not the system has Raqm.
    return ImageFont.truetype(os.fspath(path), size_px, index=face, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _pillow_font(size_px: int) -> Font:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this Pillow is built without FreeType: install the one from PyPI")
    return font
