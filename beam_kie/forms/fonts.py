"""Faces that forms are set in, and their metrics.

Noto Sans CJK comes with a package and is always there. Matplotlib carries DejaVu and STIX (a Times);
where it is installed they add variety, otherwise Noto stands in for them. So it is with the faces of
handwriting: they are packages of Debian (docs/forms.md), and where none is installed Noto stands in. A
character that a face of handwriting lacks is Noto's.
"""

from __future__ import annotations

import importlib.util
import os
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

# Parts of the em above and below the baseline that a text box encloses.
ASCENT, DESCENT = 0.80, 0.22
CJK_ASCENT, CJK_DESCENT = 0.87, 0.12

# Characters that are drawn as lines, so that every face has them; all are one em wide.
DRAWN = frozenset("□☑☒○●")

_MATPLOTLIB = {
    "sans": "DejaVuSans.ttf",
    "sans-bold": "DejaVuSans-Bold.ttf",
    "serif": "STIXGeneral.ttf",
    "serif-bold": "STIXGeneralBol.ttf",
    "wide-serif": "DejaVuSerif.ttf",
    "wide-serif-bold": "DejaVuSerif-Bold.ttf",
    "typewriter": "DejaVuSansMono.ttf",
}
_NOTO = {"noto-jp": 0, "noto-sc": 2, "noto-mono-jp": 5, "noto-mono-sc": 7}
_STAND_INS = {"typewriter": "noto-mono-sc", "hand-klee": "noto-jp", "hand-seto": "noto-jp"}
HANDWRITING = {
    "hand-breip": "breip/Breip.ttf",
    "hand-dkg": "fifthhorseman/dkg.ttf",
    "hand-kai": "arphic-gkai00mp/gkai00mp.ttf",
    "hand-klee": "klee/KleeOne-Regular.ttf",
    "hand-seto": "seto/setofont.ttf",
}
"""Faces of handwriting by name, as files of Debian's packages."""
FONT_FOLDER = "BEAM_KIE_FONTS"
"""The environment variable that names another folder than Debian's."""


@lru_cache(maxsize=1)
def _noto_path() -> str:
    import noto_cjk_sans_otc

    return str(Path(noto_cjk_sans_otc.__file__).with_name("NotoSansCJK-Regular.ttc"))


@lru_cache(maxsize=1)
def _matplotlib_folder() -> Path | None:
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"


@lru_cache(maxsize=64)
def resolve(face: str) -> str:
    """The face that is used: ``face``, or another one where it is not installed.

    Args:
        face: one of the faces of this module.
    """
    if face in _NOTO:
        return face
    if face in HANDWRITING:
        return face if _hand_path(face).is_file() else _STAND_INS.get(face, "noto-sc")
    folder = _matplotlib_folder()
    if folder is not None and (folder / _MATPLOTLIB[face]).is_file():
        return face
    return _STAND_INS.get(face, "noto-sc")


def _hand_path(face: str) -> Path:
    return Path(os.environ.get(FONT_FOLDER, "/usr/share/fonts/truetype")) / HANDWRITING[face]


def _drawn(face: str, char: str) -> bytes:
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((8, 36), char, fill=255, font=font(face, 24.0), anchor="ls")
    return image.tobytes()


@lru_cache(maxsize=20000)
def face_of(face: str, char: str) -> str:
    """The face that a character is drawn in: another one where a face of handwriting lacks it.

    Args:
        face: one of the faces of this module.
        char: one character.
    """
    used = resolve(face)
    if used not in HANDWRITING or char.isspace():
        return used
    # A font draws the same box for every character that it lacks.
    lacking = _drawn(used, char) == _drawn(used, "\uffff")
    return _STAND_INS.get(face, "noto-sc") if lacking else used


def has_bold(face: str) -> bool:
    """Whether the face is bold itself; others are thickened when drawn.

    Args:
        face: one of the faces of this module.
    """
    return face.endswith("-bold")


@lru_cache(maxsize=256)
def font(face: str, size_px: float) -> ImageFont.FreeTypeFont:
    """The face at a size in pixels.

    Args:
        face: one of the faces of this module.
        size_px: of the em, in pixels, above 0.
    """
    face = resolve(face)
    if face in _NOTO:
        return ImageFont.truetype(_noto_path(), size_px, index=_NOTO[face])
    if face in HANDWRITING:
        return ImageFont.truetype(str(_hand_path(face)), size_px)
    folder = _matplotlib_folder()
    assert folder is not None, "faces of matplotlib are only resolved to where it is installed"
    return ImageFont.truetype(str(folder / _MATPLOTLIB[face]), size_px)


class _Advances(dict):
    """Character -> advance in ems, filled as characters are met."""

    def __init__(self, face: str):
        super().__init__()
        self._face = face

    def __missing__(self, char: str) -> float:
        measured = font(face_of(self._face, char), 1000.0)
        advance = 1.0 if char in DRAWN else measured.getlength(char) / 1000.0
        self[char] = advance
        return advance


@lru_cache(maxsize=64)
def advances(face: str) -> dict[str, float]:
    """The advance of every character of the face, in ems; computed when a character is first looked up.

    Args:
        face: one of the faces of this module.
    """
    return _Advances(resolve(face))


def width(text: str, face: str, size: float, tracking: float = 0.0) -> float:
    """The width of a text, in the unit of ``size``; no tracking after the last character.

    Args:
        text: of one line.
        face: one of the faces of this module.
        size: of the em, in any unit.
        tracking: between two characters, in the same unit.
    """
    table = advances(face)
    return sum([table[char] for char in text]) * size + tracking * max(0, len(text) - 1)


def longest_word(text: str, face: str, size: float) -> float:
    """The width of the widest word; of four characters where a text can be broken anywhere.

    Args:
        text: of any number of words.
        face: one of the faces of this module.
        size: of the em, in any unit.
    """
    words = [word[:4] if is_cjk(word[0]) else word for word in text.split()]
    return max((width(word, face, size) for word in words), default=0.0)


def is_cjk(char: str) -> bool:
    """Whether the character is a Chinese or Japanese one (or full-width punctuation).

    Args:
        char: one character.
    """
    return "\u2e80" <= char <= "\u9fff" or "\uff00" <= char <= "\uffef" or char in DRAWN


def extents(text: str) -> tuple[float, float]:
    """How far a text's box reaches above and below the baseline, in ems.

    Args:
        text: of one line.
    """
    for char in text:
        if is_cjk(char):
            return CJK_ASCENT, CJK_DESCENT
    return ASCENT, DESCENT


# Punctuation that may not start a line (kinsoku), and opening marks that may not end one.
_NO_START = frozenset("，。、：；！？）】》」』”’,.:;!?)]}％%")
_NO_END = frozenset("（【《「『“‘([{￥¥$")


def _breakable(text: str) -> list[str]:
    """The text in pieces that stay together: words with the space before them, single CJK characters."""
    parts: list[str] = []
    glued = False
    for char in text:
        if len(parts) > 1 and parts[-1] == " " and char in _NO_START:
            # French sets a space before a colon: both stay with the word.
            space = parts.pop()
            parts[-1] += space + char
        elif parts and (glued or char in _NO_START):
            parts[-1] += char
        elif is_cjk(char) or char == " " or not parts or is_cjk(parts[-1][-1]):
            parts.append(char)
        else:
            parts[-1] += char
        glued = char in _NO_END or (char == " " and parts[-1] == " ")
    return parts


def wrap(text: str, face: str, size: float, limit: float) -> list[str]:
    """The text in lines no wider than ``limit``; a word that is wider is broken.

    Args:
        text: of any length.
        face: one of the faces of this module.
        size: of the em, in any unit.
        limit: the width of a line, in the same unit.
    """
    if width(text, face, size) <= limit:
        return [text]
    table = advances(face)
    lines, line, used = [], "", 0.0
    for part in _breakable(text):
        length = sum([table[char] for char in part]) * size
        if line and used + length > limit:
            lines.append(line.rstrip())
            line, used = "", 0.0
            part = part.lstrip()
            length = sum([table[char] for char in part]) * size
        while length > limit and len(part) > 1:
            fits = _fitting(part, table, size, limit)
            lines.append(part[:fits].rstrip())
            part = part[fits:].lstrip()
            length = sum([table[char] for char in part]) * size
        line, used = line + part, used + length
    if line.strip():
        lines.append(line.rstrip())
    return lines


def _fitting(part: str, table: dict[str, float], size: float, limit: float) -> int:
    used = 0.0
    for index, char in enumerate(part):
        used += table[char] * size
        if used > limit:
            return max(1, index)
    return len(part)
