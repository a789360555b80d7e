"""What ``beam_kie.read`` can be told: the options of the job that concern the reading of a document."""

from __future__ import annotations

from dataclasses import dataclass, field

from beam_kie.imaging.limits import DecodeLimits
from beam_kie.imaging.page_source import PdfTextLayer
from beam_kie.ocr import OcrOptions
from beam_kie.tables.conventions import ValueOptions

_PDF_DPI = (36, 1200)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a document is read; names, defaults and meanings are those of the job's flags (docs/options.md).

    ``pdf_dpi`` is from 36 to 1200. ``preview_side``: longest side in pixels of the pictures that a notebook
    shows, at least 200; None: no pictures, which saves some time. Values out of bounds raise ValueError.
    """

    ocr: OcrOptions = field(default_factory=OcrOptions)
    values: ValueOptions = field(default_factory=ValueOptions)
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    pdf_dpi: int = 200
    pdf_text_layer: PdfTextLayer | str | bool = PdfTextLayer.AUTO
    model: str = "bundled"
    re_model: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    preview_side: int | None = 1_600

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "pdf_text_layer", PdfTextLayer(self.pdf_text_layer))
        except ValueError:
            words = ", ".join(PdfTextLayer)
            raise ValueError(f"pdf_text_layer: must be one of {words}, not {self.pdf_text_layer!r}") from None
        low, high = _PDF_DPI
        if not low <= self.pdf_dpi <= high:
            raise ValueError(f"pdf_dpi: must be from {low} to {high}, not {self.pdf_dpi}")
        if self.preview_side is not None and self.preview_side < 200:
            raise ValueError(f"preview_side: must be at least 200, not {self.preview_side}")
