"""What the job is told to do: ``JobConfig``, the only thing that the pipeline takes from the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """One run of the job: picklable, complete, already validated by ``transforms.cli``.

    ``input`` holds final Beam file patterns (folders already turned into patterns, duplicates gone).
    Sizes are bytes or pixels, ratios and confidences are in [0, 1]; None means "not used". ``progress``
    is a local folder that the workers of a local run count pages in; it is set by the launcher only.
    """

    output: str
    run_id: str
    overwrite: bool = False

    input: tuple[str, ...] = ()
    manifest: str | None = None
    max_file_bytes: int = 100 * 1024 * 1024
    max_pixels: int = 120_000_000
    max_pages: int = 2_000
    pdf_dpi: int = 200
    pdf_text_layer: bool = False

    ocr_engine: str = "rapidocr"
    ocr_lines: str | None = None
    ocr_device: str = "cpu"
    ocr_max_side: int = 2_000
    ocr_batch_size: int = 1
    ocr_min_confidence: float = 0.5
    ocr_detect_rotation: bool = True
    ocr_det_model_dir: str | None = None
    ocr_rec_model_dir: str | None = None
    rapidocr_backend: str = "openvino"
    paddle_engine: str = "onnxruntime"

    model: str = "bundled"
    device: str = "auto"
    dtype: str = "auto"
    batch_tokens: int = 4_096

    overlays: str = "all"
    overlay_max_side: int = 1_600
    num_shards: int = 4

    max_failure_ratio: float = 1.0
    progress: str | None = None
