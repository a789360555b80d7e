"""Pages and results that several tests use: small, made by hand, with text in three scripts."""

import io

from PIL import Image, ImageDraw

from beam_kie.document import (
    Category,
    Document,
    Entity,
    Failure,
    LineSpan,
    PageResult,
    PageText,
    Relation,
    SourceFile,
    Stage,
    TextLine,
    document_id,
)
from beam_kie.geometry import box_polygon
from beam_kie.tables.schema import Provenance

PROVENANCE = Provenance("rapidocr", "3.10.0+PP-OCRv6", "bundled", "0123abcd")

FORM = [
    ("HEADER", "登録票 Registration", (300, 40, 700, 90)),
    ("QUESTION", "姓名:", (100, 200, 220, 240)),
    ("ANSWER", "李雷", (260, 200, 360, 240)),
    ("QUESTION", "Date of birth", (100, 300, 320, 340)),
    ("ANSWER", "2001-02-03", (360, 300, 560, 340)),
    ("QUESTION", "Gebühr", (100, 400, 220, 440)),
    ("ANSWER", "1.234,50 €", (260, 400, 420, 440)),
    ("QUESTION", "備考", (100, 500, 180, 540)),
]
LINKS = [(1, 2, 0.9), (3, 4, 0.8), (5, 6, 0.7)]


def preview(width=500, height=700, colour="white") -> bytes:
    image = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(image).rectangle((10, 10, width - 10, height - 10), outline="black")
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    return data.getvalue()


def source(name: str) -> SourceFile:
    return SourceFile(uri=f"gs://scans/{name}", size_bytes=1234, updated_at_s=1_700_000_000.25)


def document(name: str = "form.jpg", pages: int | None = 1) -> Document:
    uri = source(name).uri
    return Document(
        document_id=document_id(uri, name),
        uri=uri,
        content_sha256="ab" * 32,
        size_bytes=1234,
        updated_at_s=1_700_000_000.25,
        format="jpeg",
        page_count=pages,
    )


def page_text(name: str = "form.jpg", page: int = 1, form=FORM, **changes) -> PageText:
    values = {
        "document_id": document(name).document_id,
        "uri": document(name).uri,
        "page": page,
        "width_px": 1000,
        "height_px": 1400,
        "lines": tuple(TextLine(text, box_polygon(box), 0.95) for _, text, box in form),
        "preview": preview(),
    }
    return PageText(**(values | changes))


def result(name: str = "form.jpg", page: int = 1, form=FORM, links=LINKS, **changes) -> PageResult:
    entities = tuple(
        Entity(label, text, box_polygon(box), 0.9, (LineSpan(index, 0, len(text)),))
        for index, (label, text, box) in enumerate(form)
    )
    relations = tuple(
        Relation(head, tail, entities[head].confidence * entities[tail].confidence * link, link)
        for head, tail, link in links
    )
    return PageResult(page_text(name, page, form, **changes), entities, relations)


def failure(
    name: str, page: int | None = None, stage=Stage.DECODE, category=Category.FILE_CORRUPT
) -> Failure:
    whole = document(name)
    return Failure(whole.document_id, whole.uri, page, stage, category, "it is broken; scan it again")
