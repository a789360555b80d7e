"""Checks before launch, so that a run that cannot work never starts.

Nothing is written here. Each check raises ``UsageError`` with one line that says what to do.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
from dataclasses import dataclass, replace
from itertools import islice

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from beam_kie.fields.files import READY_MADE, FieldFileError
from beam_kie.imaging.page_source import PdfTextLayer
from beam_kie.ocr import PADDLE_EXTRA, Engine, RapidocrBackend
from beam_kie.ocr.devices import chosen, ocr_device
from beam_kie.ocr.given import LinesFileError
from beam_kie.ocr.ppocr.languages import scripts_of
from beam_kie.options import options_of, values_of, with_values
from model_store import StoreError
from transforms.config import SHARDS_ELSEWHERE, JobConfig
from transforms.launch import cores, dataflow, runners
from transforms.launch.arguments import UsageError, job_config
from transforms.launch.runners import DATAFLOW, IN_PROCESS
from transforms.runs import folders, locks, paths
from transforms.runs.field_files import load_fields
from transforms.runs.finished_runs import find_summary
from transforms.stages import inputs
from transforms.stages.given_lines import given_pages
from transforms.stages.models import model_folder
from transforms.storage import files, uris
from transforms.storage.retries import reason

_LOGGER = logging.getLogger("beam_kie")
# How many lines of a manifest are read before launch.
_MANIFEST_SAMPLE = 100_000


@dataclass(frozen=True)
class Job:
    """A checked run: what to do, Beam's options (runner set), and the runner's canonical name."""

    config: JobConfig
    options: PipelineOptions
    runner: str

    @property
    def is_local(self) -> bool:
        """Whether the job runs on this machine, so that progress can be shown."""
        return _is_local(self.runner)


def prepare_job(namespace: argparse.Namespace, options: PipelineOptions) -> Job:
    """Check everything that the flags ask for.

    Args:
        namespace: The values of all flags.
        options: Beam's options, changed in place.

    Returns:
        The run, ready to be launched.

    Raises:
        UsageError: The first thing that is wrong.
        UnreadableRunError: The run of --retry_failures is damaged.
        StorageError: A storage did not answer, which is no mistake of the user's.
    """
    runner = _check_runner(options, namespace)
    place = runners.place_elsewhere(options, runner)
    if runner == IN_PROCESS:
        cores.share_cores(options.view_as(DirectOptions), namespace)
    shards = namespace.num_shards or (None if place is None else SHARDS_ELSEWHERE)
    review = _is_local(runner) if namespace.review is None else namespace.review
    config = _absolute_paths(job_config(namespace, num_shards=shards, review=review))
    FileSystems.set_options(options)
    _check_reruns(config, namespace)
    try:
        config = _fit_service(config, options, runner)
        threads = config.ocr.threads or cores.fair_ocr_threads(options, runner)
        config = with_values(config, ocr_threads=threads)
        config = replace(config, workers_a_machine=cores.workers_a_machine(options, runner))
        config = replace(config, input=inputs.normalise_inputs(config.input, config.storage_timeout_s))
        config = replace(config, ocr=chosen(config.ocr, look=_is_local(runner)))
        _check_ocr(config)
        _check_lines(config)
        _check_fields(config)
        _check_model(config)
        _check_devices(config, runner)
        _check_output(config)
        _check_remote_paths(config, place)
        _check_inputs(config, namespace.input or (), place)
    except inputs.InputError as error:
        raise UsageError(str(error)) from error
    _check_run_id(config)
    _check_retry(config)
    runners.check_answers(options, runner)
    return Job(config=config, options=options, runner=runner)


def _fit_service(config: JobConfig, options: PipelineOptions, runner: str) -> JobConfig:
    if runner == DATAFLOW:
        dataflow.check_folders(config)
        return dataflow.with_gpus(config, options)
    for flag in ("gpu_type", "gpu_machine_type", "gpu_min_ram_gb"):
        if values_of(config)[flag]:
            raise UsageError(f"--{flag} is for Dataflow; elsewhere --device says where the model runs")
    return config


def _is_local(runner: str) -> bool:
    return runner in StandardOptions.LOCAL_RUNNERS


def _absolute_paths(config: JobConfig) -> JobConfig:
    """Workers may run in another folder than the launcher."""
    values = values_of(config)
    names = ("output", "manifest", "ocr_lines", "ocr_det_model_dir", "ocr_rec_model_dir")
    changes = {name: uris.absolute_uri(values[name]) for name in names if values[name]}
    if uris.is_local(changes["output"]):
        # One folder under two names would be two outputs, of which each may be taken for free.
        changes["output"] = uris.uri_of(os.path.realpath(uris.local_path(changes["output"])))
    if config.records.fields and config.records.fields not in READY_MADE:
        changes["fields"] = uris.absolute_uri(config.records.fields)
    for name in ("model", "re_model"):
        reference = values[name]
        if reference and os.path.isdir(reference):
            changes[name] = os.path.abspath(reference)
    return with_values(config, **changes)


def _check_runner(options: PipelineOptions, namespace: argparse.Namespace) -> str:
    """Set the runner that is really used. What Beam itself demands it checks when the graph is made."""
    asked = options.view_as(StandardOptions).runner or StandardOptions.DEFAULT_RUNNER
    runner = runners.canonical_runner(asked)
    options.view_as(StandardOptions).runner = runner
    if options.view_as(DirectOptions).direct_num_workers < 0:
        raise UsageError("--direct_num_workers: must be 0 (one for each core) or more")
    if runner == DATAFLOW:
        dataflow.check_service(options)
    runners.check_engine(options, runner, namespace)
    return runner


def _check_ocr(config: JobConfig) -> None:
    engine = config.ocr.engine
    if engine is Engine.NONE and not (config.ocr_lines or config.pdf_text_layer is not PdfTextLayer.OFF):
        raise UsageError("--ocr_engine none reads nothing: add --ocr_lines FILE or --pdf_text_layer")
    try:
        scripts_of(config.ocr.languages)
    except ValueError as error:
        raise UsageError(f"--ocr_languages: {error}") from None
    on_cpus = engine is Engine.RAPIDOCR and config.ocr.rapidocr_backend is RapidocrBackend.OPENVINO
    if on_cpus and config.ocr.device == "cuda":
        raise UsageError(
            "--ocr_device cuda: --ocr_engine rapidocr with --rapidocr_backend openvino runs on CPUs only: "
            "use --ocr_engine ppocr"
        )
    # Engines and backends are named like the packages that they come from, but for the project's own.
    own = {Engine.NONE: [], Engine.PPOCR: ["rapidocr", "openvino"]}
    needed: list[str] = own.get(engine, [engine])
    if engine is Engine.RAPIDOCR:
        needed.append(config.ocr.rapidocr_backend)
    for package in needed:
        if importlib.util.find_spec(package) is None:
            extra = f": {PADDLE_EXTRA}" if engine is Engine.PADDLEOCR else ""
            raise UsageError(f"--ocr_engine {engine} needs the Python package {package}{extra}")
    for flag in ("ocr_det_model_dir", "ocr_rec_model_dir"):
        folder = values_of(config)[flag]
        if folder and uris.is_local(folder) and not os.path.isdir(folder):
            raise UsageError(f"--{flag}: there is no folder {folder!r}")
    if config.ocr_lines and not _file_exists(config.ocr_lines, config.storage_timeout_s):
        raise UsageError(f"--ocr_lines: there is no file {config.ocr_lines!r}")


def _check_lines(config: JobConfig) -> None:
    """Read all of the user's own OCR: what cannot be used is found here, not by a worker."""
    path = config.ocr_lines
    if not path:
        return
    try:
        pages = given_pages(path)
    except LinesFileError as error:
        raise UsageError(f"--ocr_lines: {path!r}: {error}") from error
    except (OSError, BeamIOError, ValueError) as error:
        raise UsageError(f"--ocr_lines: cannot read {path!r}: {reason(error)}") from error
    if config.manifest or config.retry_failures:
        return
    unused = sorted({uri for uri, _ in pages if not inputs.covers(config.input, uris.local_path(uri))})
    if unused:
        _LOGGER.warning(
            "--ocr_lines: %d of its documents are not in --input, such as %r; a uri must be the same in both",
            len(unused),
            unused[0],
        )


def _check_fields(config: JobConfig) -> None:
    if config.records.fields:
        try:
            load_fields(config.records.fields, config.storage_timeout_s)
        except FieldFileError as error:
            raise UsageError(f"--fields: {error}") from error


def _check_model(config: JobConfig) -> None:
    for name in ("model", "re_model"):
        if reference := getattr(config, name):
            try:
                model_folder(reference)
            except (StoreError, OSError) as error:
                raise UsageError(f"--{name}: {error}") from error


def _check_devices(config: JobConfig, runner: str) -> None:
    """Fail fast where a GPU is asked for on this machine; other machines check when a worker starts."""
    if not _is_local(runner):
        return
    if config.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError("--device cuda: PyTorch sees no GPU on this machine; use --device cpu")
    try:
        if config.ocr.device == "cuda":
            ocr_device(config.ocr)
    except ValueError as error:
        raise UsageError(f"--ocr_device cuda: {error}") from error


def _check_output(config: JobConfig) -> None:
    output = config.output
    if not uris.is_local(output):
        _filesystem_of(output, "--output")
        return
    if uris.is_local(output) and output != uris.local_path(output):
        raise UsageError(f"--output: the name {output!r} is not UTF-8; choose another folder")
    if os.path.exists(output) and not os.path.isdir(output):
        raise UsageError(f"--output: {output!r} is a file, not a folder")
    parent = output
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    if not (os.path.isdir(parent) and os.access(parent, os.W_OK | os.X_OK)):
        raise UsageError(f"--output: {parent!r} cannot be written to")


def _check_remote_paths(config: JobConfig, place: str | None) -> None:
    """Machines of a service or cluster, and containers, see no local files; ``place`` says which, if any."""
    if place is None:
        return
    values = values_of(config)
    # --output first: no run can do without it.
    for item in sorted(options_of(JobConfig), key=lambda item: not item.info.required):
        if not item.info.is_uri:
            continue
        for path in values[item.flag] if item.several else (values[item.flag],):
            if path and uris.is_local(path):
                raise UsageError(
                    f"--{item.flag}: {path!r} is a path of this machine; {place} needs gs:// or s3://"
                )


def _check_inputs(config: JobConfig, asked: tuple[str, ...] | list[str], place: str | None) -> None:
    if not (asked or config.manifest or config.retry_failures):
        raise UsageError("nothing to read: give --input or --manifest")
    if config.manifest:
        _check_manifest(config.manifest, place)
    inputs.check_inputs(asked, config.storage_timeout_s)
    picture = paths.overlay_path(config.output, config.run_id, "document", 1)
    if inputs.covers(config.input, picture) or inputs.covers(inputs.without_links(config.input), picture):
        raise UsageError(
            f"--output: {config.output!r} lies inside --input, so that its pictures would be read as scans; "
            "choose another folder"
        )


def _check_manifest(manifest: str, place: str | None) -> None:
    listed = list(islice(inputs.read_manifest(manifest), _MANIFEST_SAMPLE))
    if not listed:
        raise UsageError(f"--manifest: {manifest!r} lists no file")
    local = next((uri for uri in listed if uris.is_local(uri)), None)
    if place and local:
        raise UsageError(f"--manifest: {local!r} is a path of this machine; {place} needs gs:// or s3://")
    for scheme in {uri.split("://", 1)[0]: uri for uri in listed}.values():
        _filesystem_of(scheme, "--manifest")


def _check_retry(config: JobConfig) -> None:
    run_id = config.retry_failures
    if run_id is None:
        return
    if run_id == config.run_id:
        raise UsageError(f"--retry_failures {run_id}: give the new run a --run_id of its own")
    if find_summary(config.output, run_id, config.storage_timeout_s) is not None:
        return
    if folders.run_exists(config.output, run_id, config.storage_timeout_s):
        raise UsageError(
            f"--retry_failures: run {run_id} is not finished; --run_id {run_id} --resume runs it again"
        )
    raise UsageError(f"--retry_failures: there is no run {run_id} under {config.output!r}")


def _check_reruns(config: JobConfig, namespace: argparse.Namespace) -> None:
    if config.resume and not namespace.run_id:
        raise UsageError("--resume needs the --run_id of the run that was broken off")
    if config.resume and config.overwrite:
        raise UsageError("--resume and --overwrite: give one; --overwrite also replaces a finished run")
    if config.rows.list_skipped and not config.skip_done:
        raise UsageError("--list_skipped lists what --skip_done leaves out: add --skip_done")


def _check_run_id(config: JobConfig) -> None:
    if locks.is_running(config.output, config.run_id):
        raise UsageError(str(locks.taken(config.output, config.run_id)))
    if config.overwrite or config.resume:
        return
    try:
        taken = folders.run_exists(config.output, config.run_id, config.storage_timeout_s)
    except Exception as error:  # every storage client has errors of its own
        if isinstance(error, files.StorageError) and error.transient:
            raise
        raise UsageError(f"--output: cannot list {config.output!r}: {reason(error)}") from error
    if taken:
        finished = files.exists(paths.summary_path(config.output, config.run_id), config.storage_timeout_s)
        advice = "give another --run_id, or --overwrite" if finished else "it is not finished: add --resume"
        raise UsageError(f"--run_id: {config.output!r} already holds run {config.run_id}; {advice}")


def _filesystem_of(uri: str, flag: str) -> None:
    try:
        FileSystems.get_filesystem(uri)
    except ValueError as error:
        raise UsageError(f"{flag}: no filesystem for {uri!r}: use local paths, gs:// or s3://") from error


def _file_exists(uri: str, timeout_s: float) -> bool:
    try:
        return files.exists(uri, timeout_s)
    except files.StorageError as error:
        if error.transient:
            raise
        raise UsageError(str(error)) from error
