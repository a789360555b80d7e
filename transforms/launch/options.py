"""The flags of the job, from which a ``JobConfig`` is made."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields

from apache_beam.options.pipeline_options import PipelineOptions

from transforms.config import RUN_ID, SHARDS_ELSEWHERE, JobConfig

_DEFAULTS = {field.name: field.default for field in fields(JobConfig)}


class KieOptions(PipelineOptions):
    """The job's own flags, registered with Beam so that runners show them beside their own.

    No flag is ``required`` here: that would break every pipeline of a process that imports this module.
    """

    @classmethod
    def _add_argparse_args(cls, parser):
        for title, add in GROUPS.items():
            add(parser.add_argument_group(title))


def _whole(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < minimum or (maximum is not None and value > maximum):
            bounds = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
            raise argparse.ArgumentTypeError(f"must be {bounds}, not {value}")
        return value

    return parse


def _ratio(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text!r}")
    return value


def _text(text: str) -> str | None:
    """Job templates pass an option that was left out as an empty text."""
    return text.strip() or None


def _boolean(text: str) -> bool:
    value = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower())
    if value is None:
        raise argparse.ArgumentTypeError(f"must be true or false, not {text!r}")
    return value


def _run_id(text: str) -> str | None:
    if text and not RUN_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} must be 1 to 100 letters, digits, '-', '_' or '.', and begin with a letter or digit"
        )
    return text or None


def _add(
    group, flag: str, text: str, *, shown: str | None = None, also: tuple[str, ...] = (), **kwargs
) -> None:
    """Declare one flag and its other names; its default is JobConfig's and stands at the end of its help."""
    default = kwargs.setdefault("default", _DEFAULTS.get(flag))
    if shown is None:
        shown = str(default).lower() if default is None or isinstance(default, bool) else str(default)
    if isinstance(default, bool):
        kwargs.update(type=_boolean, nargs="?", const=True, metavar="BOOL")
    names = [f"--{name}" for name in (flag, *also)]
    group.add_argument(*names, dest=flag, help=f"{text} (default: {shown})", **kwargs)


def _add_input(group) -> None:
    _add(
        group,
        "input",
        "Scans to read: files, folders (everything below them) or patterns with *, ** and ?, on any Beam "
        "filesystem; may be repeated. Hidden and system files in folders and patterns are passed over.",
        default=None,
        nargs="+",
        action="extend",
        metavar="PATTERN",
    )
    _add(
        group,
        "manifest",
        "A text file with one URI a line, or a .csv/.tsv file whose column 'uri' (or first column) has them.",
        type=_text,
        metavar="FILE",
    )
    _add(group, "pdf_dpi", "Resolution that PDF pages are rendered at.", type=_whole(36, 1200), metavar="DPI")
    _add(group, "pdf_text_layer", "Take the text layer of PDF pages that have one instead of OCR.")


def _add_reruns(group) -> None:
    _add(
        group,
        "skip_done",
        "Leave out documents that a finished run under --output has done already: same URI, content, models "
        "and options (docs/reruns.md).",
    )
    _add(
        group,
        "retry_failures",
        "Only the documents of that finished run under --output of which something failed that may succeed "
        "now; with --input or --manifest only those of them that it names.",
        type=_run_id,
        metavar="RUN_ID",
    )


def _add_ocr(group) -> None:
    _add(
        group,
        "ocr_engine",
        "What reads the text; none: only given lines (--ocr_lines, --pdf_text_layer).",
        choices=("rapidocr", "paddleocr", "none"),
    )
    _add(
        group,
        "ocr_lines",
        "Your own OCR as JSON lines with uri, page and lines; used for the pages that it has. With "
        "whole_lines true beside them, each line of the page is one key, value or header, or none.",
        type=_text,
        metavar="FILE",
    )
    _add(
        group,
        "ocr_device",
        "Where OCR runs; auto: a GPU if the engine can use one.",
        choices=("auto", "cpu", "cuda"),
    )
    _add(
        group,
        "ocr_max_side",
        "Longest side in pixels at which a page is searched for lines; they are read at full resolution.",
        type=_whole(320, 10_000),
        metavar="PX",
    )
    _add(group, "ocr_batch_size", "Pages handed to the engine at once.", type=_whole(1, 1024), metavar="N")
    _add(
        group,
        "ocr_threads",
        "CPU threads of OCR in each process; 0: the process's fair share of the cores.",
        type=_whole(0, 1024),
        metavar="N",
    )
    _add(
        group,
        "ocr_min_confidence",
        "Lines that the engine is less sure of are dropped.",
        type=_ratio,
        metavar="RATIO",
    )
    _add(group, "ocr_detect_rotation", "Recognise pages that are turned by 90, 180 or 270 degrees.")
    _add(group, "ocr_det_model_dir", "Text detection model of your own.", type=_text, metavar="FOLDER")
    _add(group, "ocr_rec_model_dir", "Text recognition model of your own.", type=_text, metavar="FOLDER")
    _add(
        group,
        "rapidocr_backend",
        "What rapidocr computes with.",
        choices=("openvino", "onnxruntime", "torch"),
    )
    _add(
        group,
        "paddle_engine",
        "What paddleocr computes with.",
        choices=("onnxruntime", "transformers", "paddle"),
    )


def _add_model(group) -> None:
    _add(
        group,
        "model",
        "Weights for entities (SER) and relations (RE): 'bundled', a folder, or another model reference "
        "(docs/models.md). Also called --ser_model.",
        also=("ser_model",),
        type=_text,
        metavar="REF",
    )
    _add(
        group,
        "re_model",
        "Weights for relations where they are not those of --model: then two encoders run.",
        type=_text,
        metavar="REF",
    )
    _add(
        group, "device", "Where the model runs; auto: a GPU if one is there.", choices=("auto", "cpu", "cuda")
    )
    _add(
        group,
        "dtype",
        "What the model computes in; auto: bfloat16 where the device is fast at it.",
        choices=("auto", "float32", "bfloat16"),
    )
    _add(
        group,
        "batch_tokens",
        "Tokens of a batch on a GPU: more is faster and takes more memory. On a CPU a batch is one window.",
        type=_whole(512),
        metavar="N",
    )


def _add_gpus(group) -> None:
    _add(
        group,
        "gpu_type",
        "A GPU for workers, for example nvidia-l4 or nvidia-tesla-t4; --device auto then means cuda.",
        type=_text,
        metavar="TYPE",
    )
    _add(group, "gpu_count", "GPUs of a worker; the model uses one.", type=_whole(1, 16), metavar="N")
    _add(
        group,
        "gpu_stage",
        "fused: every worker has a GPU and does everything; separate: workers without one decode and read, "
        "others with one (of --gpu_machine_type) only run the model.",
        choices=("fused", "separate"),
    )
    _add(
        group,
        "gpu_machine_type",
        "Machine type of the workers with a GPU, with --gpu_stage separate; --machine_type is that of the "
        "others.",
        type=_text,
        metavar="TYPE",
    )
    _add(
        group,
        "gpu_min_ram_gb",
        "Least memory of the workers with a GPU in GB, with --gpu_stage separate.",
        type=_whole(1, 12_000),
        metavar="GB",
    )


def _add_output(group) -> None:
    _add(
        group,
        "output",
        "Folder for tables, pictures and the summary, on any Beam filesystem.",
        shown="none, must be given",
        default=None,
        type=_text,
        metavar="FOLDER",
    )
    _add(
        group,
        "run_id",
        "Name of this run; the same input, options and run id give the same files.",
        shown="the time in UTC and six random digits",
        default=None,
        type=_run_id,
        metavar="ID",
    )
    _add(group, "overwrite", "Delete what an earlier run with this --run_id left under --output.")
    _add(
        group,
        "resume",
        "Run --run_id again if it was broken off, with none of what it left; if it is finished, only say so.",
    )
    _add(
        group,
        "num_shards",
        "Parquet files a table; about one for 10,000 pages.",
        default=None,
        shown=f"{_DEFAULTS['num_shards']} for a run on this machine, {SHARDS_ELSEWHERE} elsewhere",
        type=_whole(1, 10_000),
        metavar="N",
    )
    _add(
        group,
        "infer_txt",
        "Also write the lines of PaddleOCR's infer.txt, one file for SER and one for SER+RE; for moderate "
        "runs: one worker holds all lines.",
    )


def _add_overlays(group) -> None:
    _add(
        group, "overlays", "Which pages get a picture of what was found.", choices=("all", "failures", "none")
    )
    _add(
        group,
        "overlay_max_side",
        "Longest side of a picture in pixels.",
        type=_whole(200, 10_000),
        metavar="PX",
    )


def _add_limits(group) -> None:
    _add(group, "max_file_bytes", "Larger files fail unread.", type=_whole(1), metavar="BYTES")
    _add(
        group,
        "max_pixels",
        "Pages with more pixels fail before they are decoded.",
        type=_whole(1),
        metavar="N",
    )
    _add(group, "max_pages", "Files with more pages fail.", type=_whole(1), metavar="N")
    _add(
        group,
        "storage_timeout_s",
        "Seconds after which a file in object storage that cannot be read or written is given up, retries "
        "included (docs/object-storage.md).",
        type=_whole(1, 3_600),
        metavar="S",
    )
    _add(
        group,
        "max_failure_ratio",
        "Exit with 1 if a larger share of the documents fails; 1 never does.",
        type=_ratio,
        metavar="RATIO",
    )


def _add_run(group) -> None:
    _add(group, "validate_only", "Check everything, say what would run, launch nothing.", default=False)
    _add(
        group,
        "wait",
        "Dataflow: wait for the job's end, so that the exit code tells of the run; others always wait.",
        default=False,
    )
    _add(
        group,
        "log_level",
        "Least level of log lines on stderr.",
        default="INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    )
    _add(group, "log_format", "Log lines as text or as JSON.", default="text", choices=("text", "json"))


GROUPS: dict[str, Callable] = {
    "Input": _add_input,
    "Runs before": _add_reruns,
    "OCR": _add_ocr,
    "Model": _add_model,
    "GPUs on Dataflow": _add_gpus,
    "Output": _add_output,
    "Overlays": _add_overlays,
    "Limits": _add_limits,
    "Run": _add_run,
}
