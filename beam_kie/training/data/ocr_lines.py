"""The command ``python -m beam_kie.training.data.ocr_lines``: what the job's OCR reads on training pictures.

Training on labelled segments alone prepares a model for lines that no OCR engine gives. This command
writes the lines of a folder of pictures as JSON lines, in the format of the job's ``--ocr_lines``.
``--labels`` gives the lines in the pixels of these labels, and says how many labelled entities were read.
"""

from __future__ import annotations

import argparse
import json
import sys
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from beam_kie.document import DocumentError, Failure, PageImage, PageText, Stage, TextLine
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.labelled.alignment import ocr_view
from beam_kie.labelled.formats import LabelError, LabelledPage, read_labels
from beam_kie.labelled.sources import page_names
from beam_kie.ocr import Engine, OcrEngine, OcrOptions, create_engine

LIKE_LABELS = 0.9  # similarity of texts (0..1), spaces aside, from which an entity counts as read


class Agreement(NamedTuple):
    """How many labelled entities there are, on how many a line lies, and how many read as labelled."""

    entities: int = 0
    found: int = 0
    read: int = 0


def main(argv: list[str] | None = None) -> int:
    """Reads every picture of the folders; one that cannot be read is named on standard error and left out.

    Args:
        argv: arguments; None: those of the process.
    """
    parser = argparse.ArgumentParser("python -m beam_kie.training.data.ocr_lines", allow_abbrev=False)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folders of pictures")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="JSON lines to write")
    engines = (Engine.RAPIDOCR.value, Engine.PADDLEOCR.value)
    parser.add_argument(
        "--engine", default="rapidocr", choices=engines, help="OCR engine (default: rapidocr)"
    )
    parser.add_argument(
        "--labels",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="labels of the pictures, may be given several times: lines are written in the pixels of the "
        "labelled page of the same name, whatever the size of the picture, no picture is turned, and the "
        "labelled entities that were read are counted",
    )
    args = parser.parse_args(argv)
    missing = [str(folder) for folder in args.folders if not folder.is_dir()]
    if missing:
        print(f"error: no such folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    try:
        labelled = {page.name: page for path in args.labels for page in read_labels(path)}
    except (LabelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    # The labels of a page that lies on its side lie so too.
    engine = create_engine(OcrOptions(engine=Engine(args.engine), detect_rotation=not labelled))
    pictures = [path for folder in args.folders for path in sorted(folder.iterdir()) if path.is_file()]
    agreed = Agreement()
    with open(args.output, "w", encoding="utf-8") as file:
        for number, path in enumerate(pictures, 1):
            for record in read_picture(path, engine):
                names = page_names(record["uri"], record["page"])
                page = next((labelled[name] for name in names if name in labelled), None)
                if page:
                    record = in_pixels_of(page, record)
                    agreed = Agreement(*map(sum, zip(agreed, agreement(page, record), strict=True)))
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            print(f"\r{number} of {len(pictures)} pictures", end="", file=sys.stderr)
    print(file=sys.stderr)
    if labelled:
        found, right = f"{agreed.found} with lines on them", f"{agreed.read} read as labelled"
        print(f"{agreed.entities} labelled entities: {found}, {right}")
    return 0


def read_picture(path: Path, engine: OcrEngine) -> list[dict]:
    """One record for each page that can be decoded; the others are named on standard error.

    Args:
        path: of the picture.
        engine: reads the pages.
    """
    try:
        pages = list(decode_pages(path.read_bytes(), "", path.name, DecodeLimits()))
    except DocumentError as error:
        pages = [Failure("", path.name, None, Stage.DECODE, error.category, error.message)]
    for failure in (page for page in pages if isinstance(page, Failure)):
        print(f"\n{path.name}: {failure.message}", file=sys.stderr)
    images = [page for page in pages if isinstance(page, PageImage)]
    return [_record(text) for text in engine.read(images)]


def in_pixels_of(page: LabelledPage, record: dict) -> dict:
    """The record of a picture in the pixels of its labels, which may have been made at another size.

    Args:
        page: as it is labelled.
        record: of its picture.
    """
    scale = (page.width_px / record["width"], page.height_px / record["height"])
    if scale == (1.0, 1.0):
        return record
    lines = [
        {**line, "polygon": [round(v * scale[n % 2], 1) for n, v in enumerate(line["polygon"])]}
        for line in record["lines"]
    ]
    return {**record, "width": page.width_px, "height": page.height_px, "lines": lines}


def agreement(page: LabelledPage, record: dict) -> Agreement:
    """How many labelled entities are among the lines that were read.

    Args:
        page: as it is labelled.
        record: of its picture, in the pixels of the labels.
    """
    lines = [TextLine(line["text"], tuple(line["polygon"])) for line in record["lines"]]
    read: dict[int | None, str] = {}
    for line in ocr_view(page, lines).lines:
        for char, owner in zip(line.text, line.owners, strict=True):
            read[owner] = read.get(owner, "") + char.strip()
    entities = [entry for entry in page.entries if entry.is_entity and entry.text.strip()]
    found = [entry for entry in entities if read.get(entry.id)]
    like = [entry for entry in found if _alike("".join(entry.text.split()), read[entry.id])]
    return Agreement(len(entities), len(found), len(like))


def _alike(labelled: str, read: str) -> bool:
    return SequenceMatcher(None, labelled, read, autojunk=False).ratio() >= LIKE_LABELS


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
