"""Bytes of a page that ``--gpu_stage separate`` sends from the workers that read to those with a GPU.

python benchmarks/handover.py samples/en_invoice.jpg samples/zh_application.jpg
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from apache_beam.coders import registry

from beam_kie.document import FailedPage, PageImage, PageText
from beam_kie.imaging.decode import decode_pages
from transforms.config import JobConfig
from transforms.stages.ocr import OcrModelHandler

COLUMNS = ("lines", "pixels", "text", "preview", "picture", "together")


def pages(paths: list[Path], config: JobConfig, pictures: str) -> Iterator[tuple[str, PageImage, PageText]]:
    """Every page as it is decoded and as it leaves OCR, with the ``pictures`` that the model wants."""
    handler = OcrModelHandler(config, pictures=pictures)
    engine = handler.load_model()
    for path in paths:
        for image in decode_pages(path.read_bytes(), "0" * 32, str(path), config.limits):
            for outcome in handler.run_inference([image], engine):
                if isinstance(outcome, PageText):
                    yield path.name, image, outcome


def weigh(image: PageImage, page: PageText) -> dict[str, int]:
    """Bytes of the page and of its parts, with the coder that the shuffle has."""
    coder = registry.get_coder(PageText | FailedPage)
    return {
        "lines": len(page.lines),
        "pixels": image.pixels.nbytes,
        "text": len(coder.encode(replace(page, preview=None, picture=None))),
        "preview": len(page.preview or b""),
        "picture": len(page.picture or b""),
        "together": len(coder.encode(page)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("scans", nargs="+", type=Path)
    parser.add_argument(
        "--pictures",
        choices=("strips", "hf"),
        default="strips",
        help="strips of lines, as the bundled model reads, or a thumbnail, as LayoutXLM-base does",
    )
    arguments = parser.parse_args()
    print(f"{'bytes a page':<24}" + "".join(f"{name:>12}" for name in COLUMNS))
    for name, image, page in pages(
        arguments.scans, JobConfig(output="out", run_id="weigh"), arguments.pictures
    ):
        row = weigh(image, page)
        print(f"{name:<24}" + "".join(f"{row[column]:>12,}" for column in COLUMNS))


if __name__ == "__main__":
    main()
