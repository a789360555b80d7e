"""Divides the cores of a machine among Beam's workers and the threads of OCR."""

from __future__ import annotations

import argparse
import os

from apache_beam.options.pipeline_options import (
    DebugOptions,
    DirectOptions,
    PipelineOptions,
    PortableOptions,
)

from transforms.launch.arguments import UsageError
from transforms.launch.dataflow import ONE_PROCESS
from transforms.launch.runners import DATAFLOW, IN_PROCESS, is_portable

# More threads than this wait for Python's lock; beyond that, processes are started.
_MOST_THREADS = 8


def usable_cores() -> int:
    """The cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def share_cores(direct: DirectOptions, namespace: argparse.Namespace) -> None:
    """Without flags, a thread for every core: one decodes, draws and writes while others read.

    The threads share one OCR engine and one model. Beam's own default, one thread, leaves cores idle; and
    where several workers are asked for without a mode, it would use one of them.

    Args:
        direct: Options of Beam's local runner, changed in place.
        namespace: What ``parse_arguments`` returned: it holds which flags were given.
    """
    if namespace.direct_num_workers is None and namespace.direct_running_mode != "in_memory":
        direct.direct_num_workers = min(usable_cores(), _MOST_THREADS)
        if direct.direct_num_workers > 1 and namespace.direct_running_mode is None:
            direct.direct_running_mode = "multi_threading"
    elif direct.direct_num_workers != 1 and direct.direct_running_mode == "in_memory":
        direct.direct_running_mode = "multi_processing"


def fair_ocr_threads(options: PipelineOptions, runner: str) -> int:
    """The threads of each process's OCR engine that fill the cores once.

    Several processes with a thread for every core each would compete for the cores.

    Args:
        options: Beam's options.
        runner: A name that ``canonical_runner`` returned.

    Returns:
        Threads of each process; 0 for one thread for every core.

    Raises:
        UsageError: --sdk_worker_parallelism is no number.
    """
    if runner == DATAFLOW:
        # It starts a process for every core, unless an option forbids it.
        return 0 if ONE_PROCESS in (options.view_as(DebugOptions).experiments or ()) else 1
    if is_portable(runner) and _workers_asked_for(options) == 0:
        return 1  # the engine starts a worker for every core
    direct = options.view_as(DirectOptions)
    if runner != IN_PROCESS or direct.direct_running_mode != "multi_processing":
        return 0
    cores = usable_cores()
    return max(1, cores // (direct.direct_num_workers or cores))


def workers_a_machine(options: PipelineOptions, runner: str) -> int:
    """How many workers share the cores of a machine of another engine.

    Args:
        options: Beam's options.
        runner: A name that ``canonical_runner`` returned.

    Returns:
        What ``--sdk_worker_parallelism`` says; 1 elsewhere.

    Raises:
        UsageError: --sdk_worker_parallelism is no number.
    """
    if not is_portable(runner):
        return 1
    return max(1, _workers_asked_for(options))


def _workers_asked_for(options: PipelineOptions) -> int:
    """What --sdk_worker_parallelism says: Beam keeps the text of the flag."""
    text = str(options.view_as(PortableOptions).sdk_worker_parallelism)
    if not text.isdecimal():
        raise UsageError(f"--sdk_worker_parallelism: must be a whole number from 0, not {text!r}")
    return int(text)
