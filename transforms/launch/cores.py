"""Divides the cores of a machine among Beam's workers and the threads of OCR."""

from __future__ import annotations

import argparse
import os

from apache_beam.options.pipeline_options import DebugOptions, DirectOptions, PipelineOptions

from transforms.launch.dataflow import ONE_PROCESS
from transforms.launch.runners import DATAFLOW, IN_PROCESS

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
    """
    if runner == DATAFLOW:
        # It starts a process for every core, unless an option forbids it.
        return 0 if ONE_PROCESS in (options.view_as(DebugOptions).experiments or ()) else 1
    direct = options.view_as(DirectOptions)
    if runner != IN_PROCESS or direct.direct_running_mode != "multi_processing":
        return 0
    cores = usable_cores()
    return max(1, cores // (direct.direct_num_workers or cores))
