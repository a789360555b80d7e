"""The committed sample set: which forms, how they were scanned, and how they are written."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from beam_kie.forms.model import Form, Layout
from beam_kie.forms.page import generate_layout
from beam_kie.forms.render import render
from beam_kie.forms.scan import ScanSettings, fax_form, scan_form, scan_layout
from beam_kie.labelled.formats import LabelledPage, write_paddleocr

LABELS_FILE = "labels.txt"
BROKEN_FILE = "broken.jpg"
# A date for files that insist on one, so that they come out the same every time.
_CREATED = time.strptime("2024-01-01", "%Y-%m-%d")


class SamplePage(NamedTuple):
    """One page: the generator's arguments, the scanner's settings and the annotation style."""

    language: str
    kind: str
    seed: int
    dpi: int
    settings: ScanSettings
    labels: str = "xfund"


class Sample:
    """One file of the set; the ending of its name decides its format.

    Args:
        name: of the file.
        pages: of the file, at least one.
    """

    def __init__(self, name: str, *pages: SamplePage):
        self.name = name
        self.pages = pages


_CLEAN = ScanSettings(grey=True, contrast=0.94, paper=249, blur_px=0.4, noise=1.6)
_COLOUR = ScanSettings(contrast=0.9, paper=246, blur_px=0.5, noise=2.2)
_FAX = ScanSettings(skew_deg=0.35, grey=True, contrast=0.95, blur_px=0.45, noise=8, speckles=2)

SAMPLES: tuple[Sample, ...] = (
    Sample(
        "zh_application.jpg",
        SamplePage("zh", "job", 300, 300, replace(_CLEAN, skew_deg=0.3, speckles=0.6)),
    ),
    Sample(
        "en_invoice.jpg",
        SamplePage(
            "en",
            "invoice",
            300,
            200,
            replace(_COLOUR, skew_deg=-0.7, perspective=0.002, fold=0.2, bleed=0.05),
            "funsd",
        ),
    ),
    Sample(
        "ja_registration.png",
        SamplePage("ja", "registration", 309, 200, replace(_CLEAN, skew_deg=0.5, noise=0.0)),
    ),
    Sample(
        "de_delivery_note.jpg",
        SamplePage(
            "de",
            "delivery_note",
            302,
            200,
            ScanSettings(
                skew_deg=1.3,
                perspective=0.003,
                contrast=0.8,
                paper=236,
                blur_px=0.75,
                noise=4,
                bleed=0.08,
                edge_shadow=0.35,
                speckles=2,
                streaks=1,
            ),
        ),
    ),
    Sample(
        "fr_application.jpg",
        SamplePage(
            "fr", "application", 308, 200, replace(_COLOUR, skew_deg=-0.4, fade=0.25, speckles=1, paper=250)
        ),
    ),
    Sample(
        "es_registration.webp",
        SamplePage("es", "registration", 311, 200, replace(_COLOUR, skew_deg=0.9, edge_shadow=0.2)),
    ),
    Sample(
        "zh_application_turned.jpg",
        SamplePage("zh", "application", 305, 200, replace(_CLEAN, turn_deg=90, skew_deg=-0.6)),
    ),
    Sample(
        "en_patient_fax.tif",
        SamplePage("en", "medical", 308, 200, _FAX, "funsd"),
        SamplePage("en", "medical", 302, 200, _FAX, "funsd"),
        SamplePage("en", "questionnaire", 308, 200, _FAX, "funsd"),
    ),
    Sample(
        "de_tax.pdf",
        SamplePage("de", "tax", 310, 200, replace(_CLEAN, skew_deg=-0.25)),
        SamplePage("de", "tax", 306, 200, replace(_CLEAN, skew_deg=0.15)),
    ),
)


def sample_labels() -> Iterator[LabelledPage]:
    """The labels of the set, page by page, without drawing anything."""
    for sample in SAMPLES:
        for number, page in enumerate(sample.pages, 1):
            layout = scan_layout(_layout(sample, number), page.settings, page.seed)
            yield layout.labelled_page(page_name(sample, number))


def page_name(sample: Sample, number: int) -> str:
    """The name of a page in label files: the file, and ``#page=<number>`` where it has several.

    Args:
        sample: the file.
        number: of the page, from 1.
    """
    return sample.name if len(sample.pages) == 1 else f"{sample.name}#page={number}"


def sample_form(sample: Sample, number: int) -> Form:
    """One page of a sample, drawn and scanned.

    Args:
        sample: the file.
        number: of the page, from 1.
    """
    page, layout = sample.pages[number - 1], _layout(sample, number)
    form = Form(render(layout), layout)
    scan = fax_form if sample.name.endswith(".tif") else scan_form
    return scan(form, page.settings, page.seed)


def write_samples(folder: str | Path) -> None:
    """Writes all pictures, the broken file and the labels.

    Args:
        folder: where they go; it is made if needed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for sample in SAMPLES:
        images = [sample_form(sample, number).image for number in range(1, len(sample.pages) + 1)]
        (folder / sample.name).write_bytes(_encoded(sample, images))
    whole = (folder / SAMPLES[1].name).read_bytes()
    (folder / BROKEN_FILE).write_bytes(whole[: len(whole) // 3])
    write_paddleocr(folder / LABELS_FILE, sample_labels())


def _layout(sample: Sample, number: int) -> Layout:
    page = sample.pages[number - 1]
    return generate_layout(
        page.language,
        page.seed,
        page.kind,
        dpi=page.dpi,
        labels=page.labels,
        noto_only=True,
        page=(number, len(sample.pages)),
    )


def _encoded(sample: Sample, images: list[Image.Image]) -> bytes:
    dpi = sample.pages[0].dpi
    if sample.pages[0].settings.grey and images[0].mode == "RGB":
        images = [image.convert("L") for image in images]
    buffer = io.BytesIO()
    first, rest = images[0], images[1:]
    ending = sample.name.rpartition(".")[2]
    if ending == "jpg":
        first.save(buffer, "JPEG", quality=62 if dpi > 200 else 72, dpi=(dpi, dpi), optimize=True)
    elif ending == "png":
        first.quantize(16).save(buffer, "PNG", dpi=(dpi, dpi), optimize=True)
    elif ending == "webp":
        first.save(buffer, "WEBP", quality=65)
    elif ending == "tif":
        first.save(buffer, "TIFF", save_all=True, append_images=rest, compression="group4", dpi=(dpi, dpi))
    else:
        first.save(
            buffer,
            "PDF",
            save_all=True,
            append_images=rest,
            resolution=dpi,
            quality=70,
            creationDate=_CREATED,
            modDate=_CREATED,
        )
    return buffer.getvalue()
