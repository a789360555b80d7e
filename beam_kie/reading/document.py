"""Reads one document: ``read``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from beam_kie.choices.choosing import with_choices
from beam_kie.document import (
    Category,
    Document,
    DocumentError,
    Failure,
    PageImage,
    PageResult,
    PageText,
    Stage,
    document_id,
)
from beam_kie.failures import failure_of
from beam_kie.imaging.decode import decode_pages, encode_preview, upright
from beam_kie.imaging.limits import check_file_size, check_pixels
from beam_kie.imaging.page_source import PdfTextLayer, decoding_error
from beam_kie.imaging.pixels import to_upright_rgb
from beam_kie.layoutxlm.inputs.images import with_picture
from beam_kie.options import from_values
from beam_kie.reading.models import Models, models_of
from beam_kie.reading.options import ReadOptions
from beam_kie.reading.results import ReadDocument, ReadPage
from beam_kie.tables.rows import page_tables

Source = str | os.PathLike[str] | bytes | Image.Image

_OCR_ADVICE = "Try this page with another ocr_engine; if that fails too, please report it."
_MODEL_ADVICE = 'Read it again with device="cpu", dtype="float32"; if that fails too, please report it.'
_DECODE_ADVICE = "Open the file in a viewer and save it anew."


def read(
    source: Source, *, name: str | None = None, options: ReadOptions | None = None, **values: Any
) -> ReadDocument:
    """Read a document: its lines, its entities, and which key goes with which value.

    The first call loads the OCR engine and the model, which takes seconds; later calls reuse them, also from
    other threads. The document is read in this process: unlike the job, nothing protects the process from a
    file that makes a decoder crash, hang or use very much memory. The limits on file size, pixels and pages
    hold. Read files of strangers with the job, which isolates pages (SECURITY.md).

    Args:
        source: path of a file of this machine, the bytes of a file, or a picture of Pillow.
        name: what the document is called in the result; default: its path.
        options: how to read; default: as the job does.
        **values: single options by the names of the job's flags, for example ``pdf_text_layer="off"``,
            ``ocr_engine="ppocr"``, ``model="models/mine"``, ``max_pages=10``; in place of ``options``.

    Returns:
        The document (``ReadDocument``). Pages that failed are in its ``failures``, and so is what of the
        others is damaged.

    Raises:
        DocumentError: the file cannot be read, or none of its pages; ``category`` and ``message`` are those
            that the job writes to ``failures``.
        ValueError: an option has an impossible value, or there is no such model.
        TypeError: there is no such option, or ``source`` is something else.
        FileNotFoundError: a model of the OCR engine is missing.
    """
    if options is not None and values:
        raise TypeError("give either options or single values")
    options = options or from_values(ReadOptions, values)
    opened = _open(source, name, options)
    models = models_of(options)
    pages: list[ReadPage] = []
    failures: list[Failure] = []
    for image in opened.pages:
        if isinstance(image, PageImage) and image.damage is not None:
            failures.append(image.damage)
        outcome = image if isinstance(image, Failure) else _read_page(image, models, options)
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            pages.append(outcome)
    if failures and not pages:
        first = failures[0]
        raise DocumentError(first.category, first.message, first.retryable)
    document = opened.document
    return ReadDocument(
        document.uri,
        document.format or "image",
        document.page_count or len(pages),
        tuple(pages),
        tuple(failures),
        models.provenance,
    )


class _Opened(NamedTuple):
    document: Document
    pages: Iterator[PageImage | Failure]


def _open(source: Source, name: str | None, options: ReadOptions) -> _Opened:
    if isinstance(source, Image.Image):
        return _open_picture(source, name or "picture", options)
    if isinstance(source, bytes | bytearray | memoryview):
        return _open_bytes(bytes(source), name or "bytes", options)
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"source must be a path, bytes or a picture of Pillow, not {type(source).__name__}")
    path = os.fspath(source)
    return _open_bytes(_bytes_of(path, options), name or path, options)


def _bytes_of(path: str, options: ReadOptions) -> bytes:
    """The bytes of a file; a file above the limit is not read."""
    if "://" in path:
        raise DocumentError(
            Category.SOURCE_UNAVAILABLE,
            f"{path.partition('://')[0]}:// is not read here: fetch the file and give its bytes, or use the "
            "job or transforms.ExtractKeyValues, which read object storage",
        )
    try:
        file = Path(path)
        check_file_size(file.stat().st_size, options.limits.max_file_bytes)
        return file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"the file cannot be read ({reason}): check its name and that it may be read"
        raise DocumentError(Category.SOURCE_UNAVAILABLE, message) from error


def _open_bytes(data: bytes, name: str, options: ReadOptions) -> _Opened:
    sha256 = hashlib.sha256(data).hexdigest()
    document = Document(document_id(name, sha256), name, sha256, len(data))
    try:
        pages = decode_pages(
            data,
            document.document_id,
            name,
            options.limits,
            pdf_dpi=options.pdf_dpi,
            pdf_text_layer=PdfTextLayer(options.pdf_text_layer),
        )
    except Exception as error:
        failure = failure_of(error, document, Stage.DECODE, Category.FILE_CORRUPT, _DECODE_ADVICE)
        raise DocumentError(failure.category, failure.message, failure.retryable) from error
    return _Opened(replace(document, format=pages.file_format, page_count=pages.page_count), iter(pages))


def _open_picture(picture: Image.Image, name: str, options: ReadOptions) -> _Opened:
    try:
        check_pixels(*picture.size, options.limits)
        pixels, dpi = to_upright_rgb(picture, options.limits.max_pixels)
    except Exception as error:  # Pillow decodes now: a damaged file raises anything
        raise decoding_error(error) from error
    document = Document(
        document_id(name, hashlib.sha256(pixels.tobytes()).hexdigest()), name, format="image", page_count=1
    )
    return _Opened(document, iter([PageImage(document.document_id, name, 1, pixels, dpi)]))


def _read_page(image: PageImage, models: Models, options: ReadOptions) -> ReadPage | Failure:
    try:
        (text,) = models.engine.read([image])
        text = replace(text, is_damaged=image.damage is not None)
        text = _pictured(text, image, models.kie.pictures, options.preview_side)
    except Exception as error:
        return failure_of(error, image, Stage.OCR, Category.OCR_FAILED, _OCR_ADVICE)
    try:
        result = models.kie.predict([text])[0] if text.lines else PageResult(text)
        key_labels = models.kie.config.head_labels
        result = with_choices(result, key_labels, models.kie.config.tail_labels)
        tables = page_tables(result, models.provenance, key_labels, options.values)
        return ReadPage(result, tables, key_labels)
    except Exception as error:
        return failure_of(error, image, Stage.MODEL, Category.MODEL_FAILED, _MODEL_ADVICE)


def _pictured(text: PageText, image: PageImage, pictures: str | None, preview_side: int | None) -> PageText:
    pixels = upright(image.pixels, text.rotation_deg)
    if pictures is not None:
        text = with_picture(text, pixels, pictures)
    if preview_side is not None:
        text = replace(text, preview=encode_preview(pixels, preview_side))
    return text
