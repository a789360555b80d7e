"""Whether the text layer of PDF files may replace OCR: right lines and CPU seconds of both ways.

    python benchmarks/pdf_text_layer.py [--pdfs FOLDER] [--ocr_engine rapidocr] [--dpi 200]

Each kind of benchmarks/pdf_kinds.py is read with --pdf_text_layer off and auto; the right lines are known. Of
the files in FOLDER they are not: there the two ways are compared with each other. Exit code 1 where auto is
worse than off.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from beam_kie.document import PageImage, PageText  # noqa: E402 (needs the path)
from beam_kie.imaging.decode import DecodeLimits, PdfTextLayer, decode_pages  # noqa: E402
from beam_kie.ocr import OcrEngine, OcrOptions, create_engine  # noqa: E402
from beam_kie.ocr.given import GivenLinesEngine  # noqa: E402

WAYS = (PdfTextLayer.OFF, PdfTextLayer.AUTO)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """The pages of a file read in one way; ``seconds`` of CPU, the least of all rounds."""

    pages: list[PageText]
    seconds: float

    @property
    def texts(self) -> list[str]:
        return [line.text for page in self.pages for line in page.lines]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pdfs", help="folder of further PDF files")
    parser.add_argument("--ocr_engine", default="rapidocr")
    parser.add_argument("--dpi", type=int, default=200)
    arguments = parser.parse_args()
    engine = create_engine(OcrOptions(engine=arguments.ocr_engine, threads=1))
    worse = sum(_report_kinds(engine, arguments.dpi))
    if arguments.pdfs:
        worse += sum(_report_files(engine, Path(arguments.pdfs), arguments.dpi))
    print(f"worse than OCR: {worse}")
    return 1 if worse else 0


def _report_kinds(engine: OcrEngine, dpi: int) -> Iterator[bool]:
    from benchmarks.pdf_kinds import kinds

    print(f"{'kind':44} {'wrong off':>9} {'auto':>5} {'s off':>7} {'auto':>7}")
    for kind in kinds():
        off, auto = (read(kind.data, engine, way, dpi) for way in WAYS)
        wrong = [wrong_lines(kind.lines, reading.texts) for reading in (off, auto)]
        print(f"{kind.name:44} {wrong[0]:9} {wrong[1]:5} {off.seconds:7.2f} {auto.seconds:7.2f}")
        yield wrong[1] > wrong[0]


def _report_files(engine: OcrEngine, folder: Path, dpi: int) -> Iterator[bool]:
    print(f"{'file':44} {'lines off':>9} {'auto':>5} {'s off':>7} {'auto':>7}  alike")
    for path in sorted(folder.rglob("*.pdf")):
        data = path.read_bytes()
        try:
            off, auto = (read(data, engine, way, dpi) for way in WAYS)
        except Exception as error:
            print(f"{path.name:44} {error}")
            continue
        alike = SequenceMatcher(None, "".join(off.texts), "".join(auto.texts), autojunk=False).ratio()
        counts = f"{len(off.texts):9} {len(auto.texts):5}"
        print(f"{path.name:44} {counts} {off.seconds:7.2f} {auto.seconds:7.2f}  {alike:.3f}")
        yield len(auto.texts) < len(off.texts)


def read(data: bytes, engine: OcrEngine, way: PdfTextLayer, dpi: int = 200, rounds: int = ROUNDS) -> Reading:
    """Read a file several times."""
    best = float("inf")
    pages: list[PageText] = []
    for _ in range(rounds):
        started = time.process_time()
        images = decode_pages(data, "id", "file:///file.pdf", DecodeLimits(), dpi, way)
        with_lines = GivenLinesEngine(fallback=engine)
        pages = [with_lines.read([image])[0] for image in images if isinstance(image, PageImage)]
        best = min(best, time.process_time() - started)
    return Reading(pages, best)


def wrong_lines(right: tuple[str, ...], found: list[str]) -> int:
    """How many lines are missing, wrong or too many."""
    expected, seen = Counter(right), Counter(found)
    return (expected - seen).total() + (seen - expected).total()


if __name__ == "__main__":
    sys.exit(main())
