"""The command ``python -m beam_kie.training.rendering``: pictures for labelled pages that have none.

The words are set at their boxes, among the lines, boxes and fillers of a form, and go through a scanner that
leaves everything in its place, so that the labels fit. An OCR engine then reads the pictures
(``python -m beam_kie.training.data.ocr_lines``), and a model learns lines as OCR gives them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from beam_kie.labelled.formats import LabelError, LabelledPage, read_labels
from beam_kie.training.rendering.typesetting import LONGER_SIDE_PX, draw, is_standing, lay_out

PICTURE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def main(argv: Sequence[str] | None = None) -> int:
    """Draws every page of a label file, under its name; 0 when done, 2 for what cannot be drawn.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser("python -m beam_kie.training.rendering", allow_abbrev=False)
    parser.add_argument("labels", type=Path, metavar="LABELS", help="label file or folder, any known format")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="where pictures go")
    parser.add_argument("--seed", type=int, default=0, help="other seeds give other faces, lines and dirt")
    parser.add_argument(
        "--longer_side",
        type=int,
        default=LONGER_SIDE_PX,
        metavar="PIXELS",
        help="larger pages are drawn with this longer side (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    if args.longer_side < 200:
        parser.error(f"--longer_side must be at least 200 pixels: {args.longer_side}")
    try:
        pages = read_labels(args.labels)
        _check_names(pages)
        args.output.mkdir(parents=True, exist_ok=True)
    except (LabelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    standing = 0
    for number, page in enumerate(pages, 1):
        standing += sum(is_standing(word) for entry in page.entries for word in entry.words)
        picture = draw(lay_out(page, args.seed, args.longer_side), page.name)
        picture.save(args.output / page.name, quality=88)
        print(f"\r{number} of {len(pages)} pages", end="", file=sys.stderr)
    print(f"; {standing} words that stand on end are not drawn", file=sys.stderr)
    return 0


def _check_names(pages: Sequence[LabelledPage]) -> None:
    for page in pages:
        if Path(page.name).name != page.name or Path(page.name).suffix.lower() not in PICTURE_ENDINGS:
            raise LabelError(f"page {page.name!r}: its name must be that of one picture, without a folder")


if __name__ == "__main__":
    sys.exit(main())
