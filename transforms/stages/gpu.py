"""GPUs on Dataflow: how to request them, and the model's step on separate workers.

Dataflow has two ways to attach GPUs, which must not be mixed in one job: ``worker_accelerator``, a service
option, gives one to every worker; right fitting, a resource hint on a step, gives one to the workers of that
step only. ``--gpu_stage fused`` takes the first, ``separate`` the second.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import apache_beam as beam

from transforms.config import JobConfig
from transforms.ptransform import Transform

SEPARATE = "separate"
SERVICE_OPTION = "worker_accelerator"

# A driver that CUDA 12 and later can work with; the default one is older.
_DRIVER = "install-nvidia-driver:5xx"

_ACCELERATOR = re.compile(
    r"type:[a-z0-9][a-z0-9-]*;count:[1-9][0-9]*(;machine_type:[a-z0-9-]+)?;"
    r"install-nvidia-driver(:[0-9a-z.]+)?(;use_nvidia_mps)?"
)

_LOGGER = logging.getLogger(__name__)


class GpuMissingError(RuntimeError):
    """A worker that should have a GPU has none: the run ends, instead of continuing slowly on a CPU."""


def service_option(config: JobConfig) -> str:
    """The Dataflow service option that gives every worker the GPUs of ``config``.

    Args:
        config: the job.
    """
    return f"{SERVICE_OPTION}={_accelerator(config)}"


def resource_hints(config: JobConfig) -> dict[str, str]:
    """The hints for the model's step alone; empty where it shares its workers with the other steps.

    Args:
        config: the job.
    """
    if config.gpu_type is None or config.gpu_stage != SEPARATE:
        return {}
    hints = {"accelerator": _accelerator(config, config.gpu_machine_type)}
    if config.gpu_min_ram_gb is not None:
        hints["min_ram"] = f"{config.gpu_min_ram_gb}GB"
    return hints


def is_accelerator(text: str) -> bool:
    """Whether a text has the form of Dataflow's ``type:...;count:...;install-nvidia-driver``.

    Args:
        text: what ``worker_accelerator`` was given.
    """
    return _ACCELERATOR.fullmatch(text) is not None


def on_model_workers(step: beam.PTransform, config: JobConfig) -> beam.PTransform:
    """A step as it is, or with ``--gpu_stage separate`` behind a shuffle, on workers of its own.

    Args:
        step: the model's.
        config: the job.
    """
    return step if config.gpu_stage != SEPARATE else _OnWorkersOfItsOwn(step, resource_hints(config))


class _OnWorkersOfItsOwn(Transform):
    """A step that is never fused with what comes before: its input goes through a shuffle."""

    def __init__(self, step: beam.PTransform, hints: dict[str, str]):
        super().__init__()
        self._step = step
        self._hints = hints

    def expand(self, pages):
        step = self._step.with_resource_hints(**self._hints) if self._hints else self._step
        return pages | "Hand over" >> beam.Reshuffle() | "Infer" >> step


def require_gpu(device: str) -> None:
    """Check that PyTorch sees a GPU where one is asked for; to be called when a worker starts.

    Args:
        device: "cuda" asks for one, anything else does not.

    Raises:
        GpuMissingError: it sees none; the message says whether the image or the machine is at fault.
    """
    if device != "cuda":
        return
    import torch

    if torch.cuda.is_available():
        _LOGGER.info("GPU: %s", torch.cuda.get_device_name())
        return
    raise GpuMissingError(
        f"--device cuda, but this worker has no GPU to work with: {_what_is_missing(torch)}"
    )


def _what_is_missing(torch: Any) -> str:
    if torch.version.cuda is None:
        return (
            f"its PyTorch {torch.__version__} is built for CPUs only. Take the image that is built with "
            "VARIANT=cuda (docs/dataflow.md)."
        )
    return (
        f"its PyTorch {torch.__version__} sees no GPU with a driver for CUDA {torch.version.cuda}. Ask for "
        "one with --gpu_type, and see whether its driver was installed (docs/dataflow.md)."
    )


def _accelerator(config: JobConfig, machine_type: str | None = None) -> str:
    parts = [f"type:{config.gpu_type}", f"count:{config.gpu_count}"]
    if machine_type is not None:
        parts.append(f"machine_type:{machine_type}")
    return ";".join([*parts, _DRIVER])
