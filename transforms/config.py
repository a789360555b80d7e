"""What the job is told to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

SHARDS_ELSEWHERE = 64
"""Files a table where a service or cluster does the work: one worker must be able to hold one file's rows."""

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""The names that a run may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """One run of the job: picklable, complete, already validated by ``transforms.launch``.

    ``input`` holds final Beam file patterns (folders already turned into patterns, duplicates gone).
    Sizes are bytes or pixels, ratios and confidences are in [0, 1]; None means "not used". ``scratch``
    is a folder that all workers of the run share, to count pages and keep rows in; it is set by the
    launcher only.
    """

    output: str
    run_id: str
    overwrite: bool = False
    resume: bool = False

    skip_done: bool = False
    retry_failures: str | None = None

    input: tuple[str, ...] = ()
    manifest: str | None = None
    max_file_bytes: int = 100 * 1024 * 1024
    max_pixels: int = 120_000_000
    max_pages: int = 2_000
    pdf_dpi: int = 200
    pdf_text_layer: bool = False

    ocr_engine: str = "rapidocr"
    ocr_lines: str | None = None
    ocr_device: str = "auto"
    ocr_max_side: int = 1_280
    ocr_batch_size: int = 1
    ocr_threads: int = 0
    ocr_min_confidence: float = 0.5
    ocr_detect_rotation: bool = True
    ocr_det_model_dir: str | None = None
    ocr_rec_model_dir: str | None = None
    rapidocr_backend: str = "openvino"
    paddle_engine: str = "onnxruntime"

    model: str = "bundled"
    re_model: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    batch_tokens: int = 4_096

    gpu_stage: str = "fused"
    gpu_type: str | None = None
    gpu_count: int = 1
    gpu_machine_type: str | None = None
    gpu_min_ram_gb: int | None = None

    overlays: str = "all"
    overlay_max_side: int = 1_600
    num_shards: int = 1
    infer_txt: bool = False

    max_failure_ratio: float = 1.0
    storage_timeout_s: int = 120
    scratch: str | None = None


RESULT_OPTIONS = (
    *("pdf_dpi", "pdf_text_layer"),
    *("ocr_engine", "ocr_lines", "ocr_max_side", "ocr_min_confidence", "ocr_detect_rotation"),
    *("rapidocr_backend", "paddle_engine", "dtype"),
    *("overlays", "overlay_max_side", "infer_txt"),
)
"""What is written of a document depends on these, and on the models; of a file its content counts."""

LIMIT_OPTIONS = ("max_file_bytes", "max_pixels", "max_pages")
"""These decide whether a document fails, and nothing else about it."""
