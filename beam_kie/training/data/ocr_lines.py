"""The command ``python -m beam_kie.training.data.ocr_lines``: what the job's OCR reads on training pictures.

Training on labelled segments alone prepares a model for lines that no OCR engine gives. This command writes
the lines of a folder of pictures as JSON lines, in the format of the job's ``--ocr_lines``, with the places
of characters, ruled cells and marks (``beam_kie.labelled.readings``). ``--geometry`` reads them otherwise.
``--labels`` gives the lines in the pixels of these labels, and says how many labelled entities were read.
"""

from __future__ import annotations

import argparse
import json
import sys
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from beam_kie.document import DocumentError, Failure, PageImage, PageText, Stage
from beam_kie.imaging.decode import DecodeLimits, decode_pages
from beam_kie.imaging.marks import with_ruling
from beam_kie.labelled.alignment import ocr_view
from beam_kie.labelled.formats import LabelError, LabelledPage, read_labels
from beam_kie.labelled.readings import VERSION, from_record, page_names, scaled_record, to_record
from beam_kie.ocr import Engine, OcrEngine, OcrOptions, create_engine_of
from beam_kie.ocr.box_geometry import DEFAULT, GEOMETRIES

_MOST = 1.05  # of a page's side: how far its labels may reach
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
    args = _parser().parse_args(argv)
    missing = [str(folder) for folder in args.folders if not folder.is_dir()]
    if missing:
        print(f"error: no such folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    # Where labels do not say how large their page is, it is as large as the picture.
    folder = args.folders[0] if len(args.folders) == 1 else None
    try:
        labelled = {page.name: page for path in args.labels for page in _labelled(path, folder)}
        # The labels of a page that lies on its side lie so too.
        options = OcrOptions(
            engine=Engine(args.engine), detect_rotation=not labelled, threads=args.threads or 0
        )
        engine = create_engine_of(args.geometry, options)
        done = _done(args.output, args.geometry) if args.resume else []
    except (LabelError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    agreed = Agreement()
    for record in done:
        agreed = _added(agreed, labelled, record)
    finished = {record["uri"] for record in done}
    pictures = [path for folder in args.folders for path in sorted(folder.iterdir()) if path.is_file()]
    with open(args.output, "a" if args.resume else "w", encoding="utf-8") as file:
        for number, path in enumerate(pictures, 1):
            if path.name in finished:
                continue
            # All pages of a picture at once: a file that a killed command left has whole pictures.
            records = [_as_labelled(labelled, page, args.geometry) for page in read_picture(path, engine)]
            file.write("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
            file.flush()
            for record in records:
                agreed = _added(agreed, labelled, record)
            print(f"\r{number} of {len(pictures)} pictures", end="", file=sys.stderr)
    print(file=sys.stderr)
    if labelled:
        found, right = f"{agreed.found} with lines on them", f"{agreed.read} read as labelled"
        print(f"{agreed.entities} labelled entities: {found}, {right}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m beam_kie.training.data.ocr_lines", allow_abbrev=False)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folders of pictures")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="JSON lines to write")
    engines = (Engine.RAPIDOCR.value, Engine.PPOCR.value, Engine.PADDLEOCR.value)
    parser.add_argument("--engine", default="ppocr", choices=engines, help="OCR engine (default: ppocr)")
    parser.add_argument(
        "--geometry",
        default=DEFAULT,
        choices=tuple(GEOMETRIES),
        help="how lines are found and how tightly boxes are drawn; paddleocr has the default only",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the file: pictures that are in it are not read again",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads of OCR (default: one per core)")
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
    return parser


def _done(path: Path, geometry: str) -> list[dict]:
    """The records that an interrupted command left; a last line that it did not finish is cut off.

    Raises:
        ValueError: the file is of another geometry or version.
    """
    if not path.is_file():
        return []
    whole = path.read_bytes()
    whole = whole[: whole.rfind(b"\n") + 1]
    records = [json.loads(line) for line in whole.splitlines()]
    if any(record.get("version") != VERSION or record.get("geometry") != geometry for record in records):
        raise ValueError(f"{path} holds readings of another geometry or version: leave --resume out")
    with open(path, "r+b") as file:
        file.truncate(len(whole))
    return records


def _labelled(path: Path, folder: Path | None) -> list[LabelledPage]:
    """Labelled pages as large as their pictures; where labels reach beyond these, as large as they reach."""
    if folder is None:
        return read_labels(path)
    pages = zip(read_labels(path, folder), read_labels(path), strict=True)
    return [page if _lies_within(page) else alone for page, alone in pages]


def _lies_within(page: LabelledPage) -> bool:
    right = max((x for entry in page.entries for x in entry.polygon[0::2]), default=0)
    bottom = max((y for entry in page.entries for y in entry.polygon[1::2]), default=0)
    return right <= _MOST * page.width_px and bottom <= _MOST * page.height_px


def _label_of(labelled: dict[str, LabelledPage], record: dict) -> LabelledPage | None:
    names = page_names(record["uri"], record["page"])
    return next((labelled[name] for name in names if name in labelled), None)


def _as_labelled(labelled: dict[str, LabelledPage], page: PageText, geometry: str) -> dict:
    """The record of a page, in the pixels of its labels, which may have been made at another size."""
    record = to_record(page, geometry)
    label = _label_of(labelled, record)
    return scaled_record(record, label.width_px, label.height_px) if label else record


def _added(agreed: Agreement, labelled: dict[str, LabelledPage], record: dict) -> Agreement:
    label = _label_of(labelled, record)
    return Agreement(*map(sum, zip(agreed, agreement(label, record), strict=True))) if label else agreed


def read_picture(path: Path, engine: OcrEngine) -> list[PageText]:
    """The pages that can be decoded, with their cells and marks; the others are named on standard error.

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
    read = zip(engine.read(images), images, strict=True)
    return [with_ruling(text, image.pixels) for text, image in read]


def agreement(page: LabelledPage, record: dict) -> Agreement:
    """How many labelled entities are among the lines that were read.

    Args:
        page: as it is labelled.
        record: of its picture, in the pixels of the labels.
    """
    read: dict[int | None, str] = {}
    for line in ocr_view(page, from_record(record).page.lines).lines:
        for char, owner in zip(line.text, line.owners, strict=True):
            read[owner] = read.get(owner, "") + char.strip()
    entities = [entry for entry in page.entries if entry.is_entity and entry.text.strip()]
    found = [entry for entry in entities if read.get(entry.id)]
    like = [entry for entry in found if _alike("".join(entry.text.split()), read[entry.id])]
    return Agreement(len(entities), len(found), len(like))


def _alike(labelled: str, read: str) -> bool:
    return SequenceMatcher(None, labelled, read, autojunk=False).ratio() >= LIKE_LABELS


if __name__ == "__main__":
    sys.exit(main())
