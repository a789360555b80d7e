"""A page of thumbnails of generated forms, for docs/forms.md: ``python -m beam_kie.forms.gallery``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from beam_kie.forms import LANGUAGES, Form, domain_names, generate_domain_layout, photograph, render
from beam_kie.forms.looks import Look
from beam_kie.forms.scan import fax_form, random_settings, scan_form
from beam_kie.forms.sheets import RECEIPTS
from beam_kie.program import add_version

COLUMNS, ROWS = 10, 5
THUMBNAIL = (186, 250)
_GAP, _DPI, _QUALITY = 8, 80.0, 68
# One a column: how the forms of every row are printed and what happens to them.
_KINDS = (
    (Look.FORM, "none"),
    (Look.FORM, "light"),
    (Look.FORM, "heavy"),
    (Look.FORM, "photo"),
    (Look.FORM, "none"),
    (Look.LETTER, "light"),
    (Look.FAX, "fax"),
    (Look.RECEIPT, "photo"),
    (Look.CARD, "light"),
    (Look.FORM, "light"),
)


def gallery(seed: int = 0) -> Image.Image:
    """Fifty forms side by side, of all languages and looks.

    Args:
        seed: of the first form; the same seed gives the same picture where the same faces are installed.
    """
    width, height = (COLUMNS * (THUMBNAIL[0] + _GAP) + _GAP, ROWS * (THUMBNAIL[1] + _GAP) + _GAP)
    sheet = Image.new("RGB", (width, height), (168, 172, 178))
    for number in range(COLUMNS * ROWS):
        row, column = divmod(number, COLUMNS)
        form = _form(number, *_KINDS[column], seed + number)
        picture = form.image.convert("RGB")
        picture.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
        left = _GAP + column * (THUMBNAIL[0] + _GAP) + (THUMBNAIL[0] - picture.width) // 2
        top = _GAP + row * (THUMBNAIL[1] + _GAP) + (THUMBNAIL[1] - picture.height) // 2
        sheet.paste(picture, (left, top))
    return sheet


def _form(number: int, look: Look, scan: str, seed: int) -> Form:
    language = LANGUAGES[(number + number // COLUMNS) % len(LANGUAGES)]
    names = [name for name in domain_names(language) if look is not Look.RECEIPT or name in RECEIPTS]
    layout = generate_domain_layout(language, seed, names[number % len(names)], dpi=_DPI, look=look)
    form = Form(render(layout), layout)
    if scan == "photo":
        return photograph(form, seed)
    if scan == "fax":
        return fax_form(form, random_settings("light", np.random.default_rng(seed)), seed)
    return form if scan == "none" else scan_form(form, scan, seed)


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the picture; 0 when done, 2 for impossible arguments.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m beam_kie.forms.gallery",
        description="Draws fifty generated forms as thumbnails into one JPEG.",
        allow_abbrev=False,
    )
    add_version(parser)
    parser.add_argument("--output", metavar="FILE", required=True, help="the JPEG to write")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first form (default 0)")
    args = parser.parse_args(argv)
    path = Path(args.output)
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        parser.error(f"--output {args.output}: name a file that ends in .jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    gallery(args.seed).save(path, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    print(f"{COLUMNS * ROWS} forms in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
