"""The report of the launcher at the end: totals of the run, and where its files are."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from beam_kie.document import Category
from beam_kie.tables.schema import RECORDS, TABLE_CELLS
from transforms.config import GpuStage, JobConfig, Overlays
from transforms.runs import paths
from transforms.storage import files
from transforms.storage.uris import is_local


def read_summary(config: JobConfig) -> dict[str, Any]:
    """Read the ``summary.json`` of a run that has ended.

    Args:
        config: The run.

    Returns:
        Its content.

    Raises:
        FileNotFoundError: The run ended without writing one.
    """
    path = paths.summary_path(config.output, config.run_id)
    if not files.exists(path, config.storage_timeout_s):
        raise FileNotFoundError(f"the run left no {path}")
    return json.loads(files.read_bytes(path, timeout_s=config.storage_timeout_s))


def table(summary: dict[str, Any], config: JobConfig, elapsed_s: float) -> str:
    """A short table of the results, where they are and how to query them.

    Args:
        summary: The content of ``summary.json``.
        config: The run.
        elapsed_s: How long it took, in seconds.

    Returns:
        Several lines, without a line break at the end.
    """
    documents, pages, found = summary["documents"], summary["pages"], summary["found"]
    ended = ", ".join(f"{status} {documents[status]:,}" for status in _STATUSES if documents[status])
    all_pages = pages["ok"] + pages["failed"]
    rate = f", {all_pages / elapsed_s:.2f} pages/s" if elapsed_s > 0 else ""
    rows = [
        ("documents", f"{documents['in']:,}" + (f" ({ended})" if ended else "")),
        ("pages", f"{all_pages:,}" + (f" ({pages['failed']:,} failed)" if pages["failed"] else "")),
        ("found", _found(found, summary["mean_confidence"]["pairs"])),
        ("time", _clock(elapsed_s) + rate),
        ("stages", _stages(summary.get("stage_times", {}))),
    ]
    if passed_over := summary.get("passed_over", {}).get("files"):
        rows.append(("passed over", _passed_over(summary["passed_over"], passed_over)))
    categories = summary["failures"]["by_category"]
    if categories:
        rows.append(("failures", ", ".join(f"{name} {count:,}" for name, count in categories.items())))
    if config.records.fields:
        rows.append(("fields", _missing(summary["fields"]["missing"], summary["warnings"]["by_category"])))
    rows += _places(config)
    return "\n".join(f"{name:<10} {text}" for name, text in rows) + f"\n\n{_hint(config)}"


def failure_ratio(summary: dict[str, Any]) -> float:
    """The share of the processed documents of which no page came through.

    Args:
        summary: The content of ``summary.json``.

    Returns:
        A ratio in [0, 1].
    """
    return summary["documents"]["failure_ratio"]


def counts_add_up(summary: dict[str, Any]) -> bool:
    """Whether every document that went in is accounted for.

    Args:
        summary: The content of ``summary.json``.

    Returns:
        False where documents were lost.
    """
    return summary["documents"]["counts_add_up"]


def plan(config: JobConfig, runner: str, counts: Sequence[tuple[str, str]] = ()) -> str:
    """The plan of a run, for ``--validate_only``.

    Args:
        config: The run.
        runner: The name of its runner.
        counts: What ``count_inputs`` returned.

    Returns:
        A few lines, without a line break at the end.
    """
    read = [*config.input, *([f"manifest {config.manifest}"] if config.manifest else [])]
    rows = [
        ("would read", ", ".join(_shown(text) for text in read)),
        *counts,
        ("OCR", config.ocr_lines or config.ocr.engine),
        ("model", f"{' and '.join(filter(None, (config.model, config.re_model)))} on {config.device}"),
        ("runner", runner),
        *([("GPUs", _gpus(config))] if config.gpu_type else []),
        *_places(config),
    ]
    lines = "\n".join(f"{name:<10} {text}" for name, text in rows)
    return f"All options are in order; nothing was launched.\n{lines}"


def _gpus(config: JobConfig) -> str:
    where = "every worker"
    if config.gpu_stage is GpuStage.SEPARATE:
        where = f"every {config.gpu_machine_type} worker, for the model only"
    return f"{config.gpu_count} {config.gpu_type} on {where}"


def launched(config: JobConfig, job_id: str | None) -> str:
    """A message about a job that now runs elsewhere.

    Args:
        config: The run.
        job_id: The service's name of the job, where it has one.

    Returns:
        Two lines, without a line break at the end.
    """
    lines = [f"Launched run {config.run_id}" + (f" as job {job_id}." if job_id else ".")]
    lines.append(
        f"It is finished when this file is there: {paths.summary_path(config.output, config.run_id)}"
    )
    return "\n".join(lines)


def _found(found: dict[str, Any], confidence: float | None) -> str:
    text = f"{found['lines']:,} lines, {found['entities']:,} entities, {found['pairs']:,} key-value pairs"
    return text if confidence is None else f"{text} (mean confidence {confidence:.2f})"


def _passed_over(section: dict[str, Any], files: int) -> str:
    """Files that are no documents: how many of each kind, and the first of them."""
    kinds = ", ".join(f"{ending} {count:,}" for ending, count in section["by_ending"].items())
    first = ", ".join(_shown(uri) for uri in section["examples"])
    more = ", ..." if files > len(section["examples"]) else ""
    return f"{files:,} that are no documents, by their ending ({kinds}): {first}{more}"


def _missing(fields: dict[str, int], warnings: dict[str, int]) -> str:
    """The required fields without a value."""
    documents = warnings.get(Category.FIELD_MISSING, 0)
    if not documents:
        return "no document that was read lacks a required field"
    told = ", ".join(f"{name} {count:,}" for name, count in fields.items())
    lack = "1 document lacks" if documents == 1 else f"{documents:,} documents lack"
    return f"{lack} required fields: {told}"


def _stages(times: dict[str, dict[str, float]]) -> str:
    """The time of each stage, all workers together; the longest first."""
    longest_first = sorted(times.items(), key=lambda item: -item[1]["seconds"])
    return ", ".join(f"{stage} {time['seconds']:.1f} s" for stage, time in longest_first)


_STATUSES = ("success", "partial", "failure", "skipped")


def _places(config: JobConfig) -> list[tuple[str, str]]:
    output, run_id = _shown(config.output), config.run_id
    tables = (
        *paths.TABLES,
        *([RECORDS] if config.records.fields else []),
        *([TABLE_CELLS] if config.records.wants_cells else []),
    )
    pictures = "none asked for" if config.overlays is Overlays.NONE else paths.overlay_folder(output, run_id)
    return [
        ("tables", paths.table_folder(output, "{" + ",".join(tables) + "}", run_id)),
        ("pictures", pictures),
        *([("review", f"{paths.review_folder(output, run_id)}/index.html")] if config.review else []),
        *([("exports", paths.export_folder(output, run_id))] if config.csv or config.jsonl else []),
        ("summary", paths.summary_path(output, run_id)),
    ]


def _hint(config: JobConfig) -> str:
    pattern = paths.table_folder(_shown(config.output), "key_values", config.run_id).replace("'", "''")
    query = f"SELECT uri, page, key_text, value_text, confidence FROM '{pattern}/*.parquet' LIMIT 20"
    return f'Look at the pairs:  duckdb -c "{query}"'


def _shown(path: str) -> str:
    """A path as a person would type it here."""
    if is_local(path):
        relative = os.path.relpath(path)
        return path if relative.startswith("..") else relative
    return path


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"
