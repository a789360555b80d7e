"""The configuration of the job: every option, declared once.

To add an option, add a field with ``metadata=option(...)`` to ``JobConfig``, or to the dataclass within it
that the option belongs to (``OcrOptions``, ``ValueOptions``), then run ``make docs``. The flag on the command
line and among Beam's options, its check, ``--help``, docs/options.md, the parameter of the flex template, and
the entry in summary.json follow from the field. ``effect`` decides whether ``--skip_done`` may reuse what a
run with another value has written; see ``beam_kie.options.Effect``. Flags for the launcher alone, which never
reach a worker, are declared in ``transforms.launch.options`` in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from beam_kie.fields.options import FieldOptions
from beam_kie.imaging.limits import DecodeLimits
from beam_kie.imaging.page_ranges import RangeOptions
from beam_kie.imaging.page_source import PdfTextLayer
from beam_kie.ocr import OcrOptions
from beam_kie.options import DEVICES, Effect, check_options, option, options_of
from beam_kie.tables.conventions import ValueOptions
from beam_kie.tables.row_options import RowOptions

SHARDS_ELSEWHERE = 64
"""Shards of a table where a service or cluster does the work: as many workers can write at the same time."""

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""The names that a run may have."""

_RUN_ID_FORM = "1 to 100 letters, digits, '-', '_' or '.', and begin with a letter or digit"

_input = partial(option, group="Input")
_reruns = partial(option, group="Runs before", effect=Effect.NONE)
_ocr = partial(option, group="OCR")
_model = partial(option, group="Model")
_gpus = partial(option, group="GPUs on Dataflow", effect=Effect.NONE)
_output = partial(option, group="Output", effect=Effect.NONE)
_overlays = partial(option, group="Overlays", effect=Effect.RESULTS)
_limits = partial(option, group="Limits", effect=Effect.NONE)


class Dtype(StrEnum):
    """What the model computes in."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class GpuStage(StrEnum):
    """Which workers have a GPU."""

    FUSED = "fused"
    """All of them, and every worker does everything."""
    SEPARATE = "separate"
    """Those that run the model, and do nothing else."""


class PageIsolation(StrEnum):
    """Whether pages are read in child processes, which can be ended."""

    AUTO = "auto"
    """They are, but where OCR may run on a GPU."""
    ON = "on"
    OFF = "off"


class Overlays(StrEnum):
    """Which pages get a picture of what was found."""

    ALL = "all"
    FAILURES = "failures"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfig:
    """One run of the job: picklable, complete, already validated by ``transforms.launch``.

    ``input`` holds final Beam file patterns (folders already turned into patterns, duplicates gone).
    Sizes are bytes or pixels, ratios and confidences are in [0, 1]; None means "not used". ``scratch``
    is a folder that all workers of the run share, to count pages and keep rows in; ``workers_a_machine``
    is how many share a machine's cores. The launcher sets both. Values out of bounds raise ValueError.
    """

    input: tuple[str, ...] = field(
        default=(),
        metadata=_input(
            "Scans to read: files, folders (everything below them) or patterns with *, ** and ?, on any Beam "
            "filesystem; may be repeated. Hidden and system files in folders and patterns are passed over, "
            "and those whose ending says that they are no scans, such as .txt and .md.",
            effect=Effect.NONE,
            metavar="PATTERN",
            is_uri=True,
        ),
    )
    manifest: str | None = field(
        default=None,
        metadata=_input(
            "A text file with one URI a line, or a .csv/.tsv file with URIs in column 'uri' or the first.",
            effect=Effect.NONE,
            metavar="FILE",
            is_uri=True,
        ),
    )
    pdf_dpi: int = field(
        default=200,
        metadata=_input(
            "Resolution that PDF pages are rendered at.",
            effect=Effect.RESULTS,
            metavar="DPI",
            minimum=36,
            maximum=1200,
        ),
    )
    pdf_text_layer: PdfTextLayer = field(
        default=PdfTextLayer.AUTO,
        metadata=_input(
            "PDF text. auto: what viewers show, OCR for the rest; always: of whole pages; off: only OCR.",
            effect=Effect.RESULTS,
            bare="auto",
        ),
    )
    ranges: RangeOptions = field(default_factory=RangeOptions)
    skip_done: bool = field(
        default=False,
        metadata=_reruns(
            "Leave out documents that a finished run under --output has done already: same URI, content, "
            "models and options (docs/reruns.md)."
        ),
    )
    rows: RowOptions = field(default_factory=RowOptions)
    retry_failures: str | None = field(
        default=None,
        metadata=_reruns(
            "Only the documents of that finished run under --output of which something failed that may "
            "succeed now; with --input or --manifest only those of them that it names.",
            metavar="RUN_ID",
            pattern=RUN_ID,
            form=_RUN_ID_FORM,
        ),
    )

    ocr: OcrOptions = field(default_factory=OcrOptions)
    ocr_lines: str | None = field(
        default=None,
        metadata=_ocr(
            "Your own OCR as JSON lines with uri, page and lines (docs/own-ocr.md); used for the pages that "
            "it has. With whole_lines true beside them, each line of the page is one key, value or header, "
            "or none.",
            effect=Effect.RESULTS,
            metavar="FILE",
            is_uri=True,
        ),
    )
    ocr_batch_size: int = field(
        default=1,
        metadata=_ocr(
            "Pages handed to the engine at once, without page isolation.",
            effect=Effect.NONE,
            metavar="N",
            minimum=1,
            maximum=1024,
        ),
    )

    model: str = field(
        default="bundled",
        metadata=_model(
            "Weights for entities (SER) and relations (RE): 'bundled', 'bundled-free' (for companies), a "
            "folder, or another model reference (docs/models.md). Also called --ser_model.",
            effect=Effect.NONE,
            aliases=("ser_model",),
            metavar="REF",
        ),
    )
    re_model: str | None = field(
        default=None,
        metadata=_model(
            "Weights for relations where they are not those of --model: then two encoders run.",
            effect=Effect.NONE,
            metavar="REF",
        ),
    )
    device: str = field(
        default="auto",
        metadata=_model(
            "Where the model runs; auto: a GPU if one is there.", effect=Effect.NONE, choices=DEVICES
        ),
    )
    dtype: Dtype = field(
        default=Dtype.AUTO,
        metadata=_model(
            "What the model computes in; auto: bfloat16 where the device is fast at it, else float16 on a "
            "GPU and float32 on a CPU.",
            effect=Effect.RESULTS,
        ),
    )
    batch_tokens: int = field(
        default=4_096,
        metadata=_model(
            "Tokens of a batch on a GPU: more is faster and takes more memory. On a CPU a batch is one "
            "window.",
            effect=Effect.NONE,
            metavar="N",
            minimum=512,
        ),
    )

    records: FieldOptions = field(default_factory=FieldOptions)
    values: ValueOptions = field(default_factory=ValueOptions)

    gpu_type: str | None = field(
        default=None,
        metadata=_gpus(
            "A GPU for workers, for example nvidia-l4 or nvidia-tesla-t4; --device auto then means cuda.",
            metavar="TYPE",
        ),
    )
    gpu_count: int = field(
        default=1,
        metadata=_gpus("GPUs of a worker; the model uses one.", metavar="N", minimum=1, maximum=16),
    )
    gpu_stage: GpuStage = field(
        default=GpuStage.FUSED,
        metadata=_gpus(
            "fused: every worker has a GPU and does everything; separate: workers without one decode and "
            "read, others with one (of --gpu_machine_type) only run the model."
        ),
    )
    gpu_machine_type: str | None = field(
        default=None,
        metadata=_gpus(
            "Machine type of the workers with a GPU, with --gpu_stage separate; --machine_type is that of "
            "the others.",
            metavar="TYPE",
        ),
    )
    gpu_min_ram_gb: int | None = field(
        default=None,
        metadata=_gpus(
            "Least memory of the workers with a GPU in GB, with --gpu_stage separate.",
            metavar="GB",
            minimum=1,
            maximum=12_000,
        ),
    )

    output: str = field(
        metadata=_output(
            "Folder for tables, pictures and the summary, on any Beam filesystem.",
            metavar="FOLDER",
            shown_default="none, must be given",
            required=True,
            is_uri=True,
        )
    )
    run_id: str = field(
        metadata=_output(
            "Name of this run; the same input, options and run id give the same files.",
            metavar="ID",
            shown_default="the time in UTC and six random digits",
            pattern=RUN_ID,
            form=_RUN_ID_FORM,
        )
    )
    overwrite: bool = field(
        default=False, metadata=_output("Delete what this --run_id has left under --output.")
    )
    resume: bool = field(
        default=False,
        metadata=_output(
            "Go on with --run_id if it was broken off (docs/reruns.md); if it is finished, only say so."
        ),
    )
    part_pages: int = field(
        default=200,
        metadata=_output(
            "Pages, or a minute, after which a thread writes what it has done, for --resume.",
            metavar="N",
            minimum=1,
        ),
    )
    num_shards: int = field(
        default=1,
        metadata=_output(
            "Shards of a table; each is a Parquet file, or several above 1,000,000 rows or 128 MB.",
            metavar="N",
            shown_default=f"1 for a run on this machine, {SHARDS_ELSEWHERE} elsewhere",
            minimum=1,
            maximum=10_000,
        ),
    )
    infer_txt: bool = field(
        default=False,
        metadata=_output(
            "Also write the lines of PaddleOCR's infer.txt, one file for SER and one for SER+RE; for "
            "moderate runs: one worker holds all lines.",
            effect=Effect.RESULTS,
        ),
    )

    csv: bool = field(
        default=False,
        metadata=_output(
            "Also write every table as one CSV file (docs/exports.md); for moderate runs: one worker writes "
            "a table."
        ),
    )
    jsonl: bool = field(
        default=False,
        metadata=_output("Also write every table as one file of JSON lines; for moderate runs, as --csv."),
    )

    overlays: Overlays = field(
        default=Overlays.ALL, metadata=_overlays("Which pages get a picture of what was found.")
    )
    overlay_max_side: int = field(
        default=1_600,
        metadata=_overlays("Longest side of a picture in pixels.", metavar="PX", minimum=200, maximum=10_000),
    )
    review: bool = field(
        default=False,
        metadata=_overlays(
            "Write a page to look at the run and to correct it, and clean pictures for it (docs/review.md); "
            "without overlays it has no pictures.",
            effect=Effect.NONE,
            shown_default="true for a run on this machine",
        ),
    )

    limits: DecodeLimits = field(default_factory=DecodeLimits)
    page_isolation: PageIsolation = field(
        default=PageIsolation.AUTO,
        metadata=_limits(
            "Whether pages are decoded and read in child processes, which can be ended; auto: on, but not "
            "where OCR may run on a GPU.",
            effect=Effect.LIMITS,
        ),
    )
    page_timeout_s: int = field(
        default=120,
        metadata=_limits(
            "Seconds after which the reading of a page is ended, with page isolation.",
            effect=Effect.LIMITS,
            metavar="S",
            minimum=1,
            maximum=86_400,
        ),
    )
    page_memory_mb: int = field(
        default=0,
        metadata=_limits(
            "Memory in MB, with that of OCR's models, above which the reading of a page is ended, with page "
            "isolation; 0: a fair share of the machine's.",
            effect=Effect.LIMITS,
            metavar="MB",
            minimum=0,
        ),
    )
    storage_timeout_s: int = field(
        default=120,
        metadata=_limits(
            "Seconds after which a file in object storage that cannot be read or written is given up, "
            "retries included (docs/object-storage.md).",
            metavar="S",
            minimum=1,
            maximum=3_600,
        ),
    )
    max_failure_ratio: float = field(
        default=1.0,
        metadata=_limits(
            "Exit with 1 if a larger share of the documents fails; 1 never does.",
            metavar="RATIO",
            minimum=0,
            maximum=1,
        ),
    )

    scratch: str | None = None
    workers_a_machine: int = 1

    def __post_init__(self) -> None:
        check_options(self)


def _with_effect(effect: Effect) -> tuple[str, ...]:
    return tuple(item.flag for item in options_of(JobConfig) if item.info.effect is effect)


RESULT_OPTIONS = _with_effect(Effect.RESULTS)
"""What is written of a document depends on these, and on the models; of a file its content counts."""

LIMIT_OPTIONS = _with_effect(Effect.LIMITS)
"""These decide whether a document fails, and nothing else about it."""
