"""Checks and sets Dataflow's options before launch: the service itself checks them minutes later or never.

Nothing is written here. Each check raises ``UsageError`` with one line that says what to do.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import replace

from apache_beam.options.pipeline_options import (
    DebugOptions,
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)

from beam_kie.ocr import Engine
from beam_kie.options import values_of, with_values
from transforms.config import JobConfig
from transforms.launch.arguments import UsageError
from transforms.machines import types as machines
from transforms.stages.gpu import SEPARATE, SERVICE_OPTION, is_accelerator, service_option

ONE_PROCESS = "no_use_multiple_sdk_containers"
"""The experiment for one Python process a worker: one model on its GPU, not one for each core."""

MANY_PROCESSES = "use_multiple_sdk_containers"

MOST_THREADS = 8
"""Threads of that process: they share one OCR engine and one model, and each holds a page."""

GPU_DISK_GB = 100
"""Workers unpack the CUDA image and the GPU's driver on their disk: the service's default of 25 GB is too
small."""

IN_IMAGE = "FLEX_TEMPLATE_PYTHON_PY_FILE"
"""Set in the image that a template's launcher and its workers share."""

_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_CORES = re.compile(r"-(\d+)$")

_LOGGER = logging.getLogger(__name__)


def check_service(options: PipelineOptions) -> None:
    """Check that Dataflow has a project, a region and the job's code; the script's state is not sent along.

    Args:
        options: Beam's options, changed in place.

    Raises:
        UsageError: The first thing that is missing or wrong.
    """
    cloud = options.view_as(GoogleCloudOptions)
    for flag in ("project", "region", "temp_location"):
        if not getattr(cloud, flag):
            raise UsageError(f"--runner DataflowRunner needs --{flag}")
    if not _REGION.fullmatch(cloud.region):
        raise UsageError(
            f"--region: {cloud.region!r} is no region: give one like us-central1, without a zone"
        )
    for flag in ("temp_location", "staging_location"):
        place = getattr(cloud, flag)
        if place and not place.startswith("gs://"):
            raise UsageError(f"--{flag}: {place!r} is not in cloud storage; Dataflow needs gs://")
    setup = options.view_as(SetupOptions)
    if not (setup.setup_file or _image(options)):
        raise UsageError("--runner DataflowRunner needs --sdk_container_image or --setup_file ./setup.py")
    if setup.save_main_session is None:
        setup.save_main_session = False  # the script defines nothing that a worker needs


def check_folders(config: JobConfig) -> None:
    """Check that no model is a folder that the workers do not have.

    A template's launcher runs in the image of the workers and sees what they see; other launchers do not.

    Args:
        config: The run.

    Raises:
        UsageError: A model is a folder of this machine.
    """
    if IN_IMAGE in os.environ:
        return
    for flag in ("model", "re_model", "ocr_det_model_dir", "ocr_rec_model_dir"):
        path = values_of(config)[flag]
        if path and os.path.isdir(path):
            remedy = "put it into gs://" if flag.endswith("model") else "put it into a template's image"
            raise UsageError(f"--{flag}: {path!r} is a folder of this machine, not of the workers: {remedy}")


def with_gpus(config: JobConfig, options: PipelineOptions) -> JobConfig:
    """Ask Dataflow for the GPUs of a run.

    With a GPU, the devices "auto" become "cuda": a worker that should have a GPU and sees none ends the run.

    Args:
        config: The run.
        options: Beam's options, changed in place.

    Returns:
        The configuration with the device that follows.

    Raises:
        UsageError: GPU options do not go together, or a GPU is to be used that was not asked for.
    """
    raw = list(_raw_accelerators(options))
    if config.gpu_type is None:
        return _with_raw_accelerators(config, options, raw)
    _check_gpu(config, config.gpu_type, options)
    if raw:
        raise UsageError(f"--gpu_type and {raw[0]!r} both ask for a GPU: give only one of them")
    if config.gpu_stage != SEPARATE:
        cloud = options.view_as(GoogleCloudOptions)
        cloud.dataflow_service_options = [*(cloud.dataflow_service_options or []), service_option(config)]
    _fit_workers(options)
    return _on_its_devices(config)


def _on_its_devices(config: JobConfig) -> JobConfig:
    """The run with the devices that "auto" means with a GPU."""
    if config.device == "auto":
        config = replace(config, device="cuda")
    if config.ocr.device != "auto":
        return config
    if config.gpu_stage == SEPARATE:
        return with_values(config, ocr_device="cpu")
    on_gpu = config.ocr.engine in (Engine.AUTO, Engine.PPOCR)
    return with_values(config, ocr_device="cuda") if on_gpu else config


def _with_raw_accelerators(config: JobConfig, options: PipelineOptions, raw: list[str]) -> JobConfig:
    """Checks of accelerators that were asked for with Dataflow's own options, or of none."""
    if config.gpu_stage == SEPARATE:
        hint = f"; {raw[0]!r} would give one to every worker" if raw else ""
        raise UsageError(f"--gpu_stage {SEPARATE} on Dataflow needs --gpu_type{hint}")
    for flag in ("device", "ocr_device"):
        if values_of(config)[flag] == "cuda" and not raw:
            raise UsageError(f"--{flag} cuda, but no worker would have a GPU: ask for one with --gpu_type")
    if len(raw) > 1:
        raise UsageError(f"{raw[0]!r} and {raw[1]!r} both ask for a GPU: give only one of them")
    for option in raw:
        text = option.partition("=")[2]
        if not is_accelerator(text):
            raise UsageError(
                f"{option!r} is no accelerator: use --gpu_type, or type:TYPE;count:N;install-nvidia-driver"
            )
        if "use_nvidia_mps" not in text:  # made for several processes that share a GPU
            _fit_workers(options)
    return config


def _check_gpu(config: JobConfig, gpu_type: str, options: PipelineOptions) -> None:
    known = machines.gpu_types()
    if gpu_type not in known:
        chip = gpu_type.rpartition("-")[2]
        close = [name for name in known if name.endswith(f"-{chip}")] or difflib.get_close_matches(
            gpu_type, known, n=1
        )
        raise UsageError(
            f"--gpu_type: Dataflow has no {gpu_type!r}"
            + (f": did you mean {close[0]}?" if close else f"; it has {', '.join(known)}")
        )
    if not _image(options):
        raise UsageError("--gpu_type needs --sdk_container_image: the image that is built with VARIANT=cuda")
    if config.device == "cpu" and config.ocr.device != "cuda":
        raise UsageError("--gpu_type asks for a GPU that --device cpu does not use: leave out one of them")
    if config.gpu_stage == SEPARATE:
        _check_separate(config, options)
    else:
        if config.gpu_machine_type or config.gpu_min_ram_gb:
            raise UsageError("--gpu_machine_type and --gpu_min_ram_gb are for --gpu_stage separate")
        _check_machine("machine_type", options.view_as(WorkerOptions).machine_type, config)


def _check_separate(config: JobConfig, options: PipelineOptions) -> None:
    if config.ocr.device == "cuda":
        raise UsageError(f"--gpu_stage {SEPARATE} runs OCR on workers without a GPU: leave out --ocr_device")
    if options.view_as(GoogleCloudOptions).flexrs_goal:
        raise UsageError(
            f"--gpu_stage {SEPARATE} does not go with --flexrs_goal: Dataflow has no right fitting there"
        )
    _check_machine("gpu_machine_type", config.gpu_machine_type, config)


def _check_machine(flag: str, machine: str | None, config: JobConfig) -> None:
    gpu_type, count = config.gpu_type or "", config.gpu_count
    if not machine:
        example = machines.example_machine(gpu_type, count)
        raise UsageError(f"--gpu_type {gpu_type} needs --{flag}, for example {example}")
    problem = machines.what_is_wrong(gpu_type, count, machine)
    if problem:
        raise UsageError(f"--{flag}: {problem}")
    if count > 1:
        _LOGGER.warning(
            "--gpu_count %d: the job uses one GPU of a worker; the others are paid for and idle", count
        )


def _fit_workers(options: PipelineOptions) -> None:
    """Set what a worker with a GPU needs, unless the user has said otherwise."""
    debug, worker = options.view_as(DebugOptions), options.view_as(WorkerOptions)
    if not debug.lookup_experiment(MANY_PROCESSES):
        debug.add_experiment(ONE_PROCESS)
        if not debug.number_of_worker_harness_threads:
            debug.number_of_worker_harness_threads = _threads(worker.machine_type)
    if not worker.disk_size_gb:
        worker.disk_size_gb = GPU_DISK_GB


def _threads(machine_type: str | None) -> int:
    cores = _CORES.search(machine_type or "")
    return min(int(cores[1]), MOST_THREADS) if cores else MOST_THREADS


def _raw_accelerators(options: PipelineOptions) -> Iterator[str]:
    """Options of Dataflow or Beam that ask for GPUs: service options, experiments, resource hints."""
    cloud = options.view_as(GoogleCloudOptions)
    given = [
        *(cloud.dataflow_service_options or []),
        *(options.view_as(DebugOptions).experiments or []),
        *(options.view_as(StandardOptions).resource_hints or []),
    ]
    for option in given:
        if option.partition("=")[0] in (SERVICE_OPTION, "accelerator", "beam:resources:accelerator:v1"):
            yield option


def _image(options: PipelineOptions) -> str | None:
    return options.view_as(WorkerOptions).sdk_container_image
