"""The command ``python -m beam_kie.training.ocr_lines``: what the job's OCR reads on training pictures.

Training on labelled segments alone prepares a model for lines that no OCR engine gives. This command
writes the lines of a folder of pictures as JSON lines, in the format of the job's ``--ocr_lines``.
``--labels`` gives the lines in the pixels of these labels where the pictures have another size.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from beam_kie.document import DocumentError, Failure, PageImage, PageText
from beam_kie.imaging import DecodeLimits, decode_pages
from beam_kie.labels import LabelError, read_labels
from beam_kie.ocr import OcrEngine, OcrOptions, create_engine

Sizes = Mapping[str, tuple[int, int]]


def main(argv: list[str] | None = None) -> int:
    """Reads every picture of the folders; a picture that cannot be read is named and passed over."""
    parser = argparse.ArgumentParser("python -m beam_kie.training.ocr_lines", allow_abbrev=False)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folders of pictures")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="JSON lines to write")
    parser.add_argument("--engine", default="rapidocr", help="OCR engine (default: rapidocr)")
    parser.add_argument(
        "--labels",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="labels of the pictures, may be given several times: lines are written in the pixels of the "
        "labelled page of the same name, whatever the size of the picture, and no picture is turned",
    )
    args = parser.parse_args(argv)
    missing = [str(folder) for folder in args.folders if not folder.is_dir()]
    if missing:
        print(f"error: no such folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    try:
        sizes = {
            page.name: (page.width_px, page.height_px) for path in args.labels for page in read_labels(path)
        }
    except (LabelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    # The labels of a page that lies on its side lie so too.
    engine = create_engine(args.engine, OcrOptions(detect_rotation=not args.labels))
    pictures = [path for folder in args.folders for path in sorted(folder.iterdir()) if path.is_file()]
    with open(args.output, "w", encoding="utf-8") as file:
        for number, path in enumerate(pictures, 1):
            for record in read_picture(path, engine):
                file.write(json.dumps(in_pixels_of(sizes, record), ensure_ascii=False) + "\n")
            print(f"\r{number} of {len(pictures)} pictures", end="", file=sys.stderr)
    print(file=sys.stderr)
    return 0


def read_picture(path: Path, engine: OcrEngine) -> list[dict]:
    """One record a page that could be decoded."""
    try:
        pages = list(decode_pages(path.read_bytes(), "", path.name, DecodeLimits()))
    except DocumentError as error:
        pages = [Failure("", path.name, None, "DECODE", error.category, error.message)]
    for failure in (page for page in pages if isinstance(page, Failure)):
        print(f"\n{path.name}: {failure.message}", file=sys.stderr)
    images = [page for page in pages if isinstance(page, PageImage)]
    return [_record(text) for text in engine.read(images)]


def in_pixels_of(sizes: Sizes, record: dict) -> dict:
    """The record in the pixels of the labelled page of its name; itself where there is none."""
    width, height = sizes.get(record["uri"], (record["width"], record["height"]))
    scale = (width / record["width"], height / record["height"])
    if scale == (1.0, 1.0):
        return record
    lines = [
        {**line, "polygon": [round(v * scale[n % 2], 1) for n, v in enumerate(line["polygon"])]}
        for line in record["lines"]
    ]
    return {**record, "width": width, "height": height, "lines": lines}


def _record(text: PageText) -> dict:
    return {
        "uri": text.uri,
        "page": text.page,
        "width": text.width_px,
        "height": text.height_px,
        "lines": [
            {"text": line.text, "polygon": list(line.polygon), "confidence": line.confidence}
            for line in text.lines
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
