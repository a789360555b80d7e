"""Machine types and GPUs of Google Cloud: which go together, how large they are, what they cost.

Everything is read from ``machines.toml``, which names its sources and their date.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

_NAME = re.compile(r"(?P<family>[a-z][a-z0-9]*)-(?P<size>standard|highmem|highcpu)-(?P<cores>\d+)")
_CUSTOM = re.compile(r"(?:(?P<family>[a-z][a-z0-9]*)-)?custom-(?P<cores>\d+)-(?P<megabytes>\d+)")

ATTACHED_FAMILIES = ("n1", "custom")
"""Families of machines that GPUs can be attached to."""


class Machine(NamedTuple):
    """The size of a machine type: ``cores`` (vCPUs) and ``memory_gb``."""

    cores: int
    memory_gb: float


@cache
def tables() -> dict[str, Any]:
    """The contents of ``machines.toml``."""
    text = resources.files("transforms.machines").joinpath("machines.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def gpu_types() -> list[str]:
    """The GPUs that Dataflow can give a worker."""
    gpus = tables()["gpus"]
    return [*gpus["attached"], *gpus["built_in"]]


def families(gpu_type: str) -> tuple[str, ...]:
    """The families of machines that a GPU goes with.

    Args:
        gpu_type: One of ``gpu_types()``.

    Returns:
        For example ``("g2",)``.
    """
    built_in = tables()["gpus"]["built_in"].get(gpu_type)
    if built_in is None:
        return ATTACHED_FAMILIES
    return tuple(dict.fromkeys(name.split("-", 1)[0] for name in built_in))


def example_machine(gpu_type: str, count: int) -> str:
    """A machine type that a GPU goes with, to be named in a message.

    Args:
        gpu_type: One of ``gpu_types()``.
        count: GPUs of the machine.

    Returns:
        The smallest machine type with eight cores or more; the one with the most GPUs where none has
        ``count``.
    """
    built_in = tables()["gpus"]["built_in"].get(gpu_type)
    if built_in is None:
        return "n1-standard-8"
    fitting = [name for name, gpus in built_in.items() if gpus == count] or [max(built_in, key=built_in.get)]
    return min(fitting, key=lambda name: (size_of(name).cores < 8, size_of(name).cores))


def what_is_wrong(gpu_type: str, count: int, machine_type: str) -> str | None:
    """Why a machine type cannot have so many GPUs of a type.

    Args:
        gpu_type: One of ``gpu_types()``.
        count: GPUs of each machine.
        machine_type: For example ``n1-standard-8``.

    Returns:
        What is wrong, with what to take instead; None if nothing is.
    """
    family = machine_type.split("-", 1)[0]
    if family not in families(gpu_type):
        return f"{gpu_type} goes with {families(gpu_type)[0]} machines, not {machine_type!r}"
    gpus = tables()["gpus"]
    example = example_machine(gpu_type, count)
    if gpu_type in gpus["attached"]:
        return _wrong_with_attached(gpus["attached"][gpu_type], count, machine_type, gpu_type)
    there = gpus["built_in"][gpu_type].get(machine_type)
    if there is None:
        return f"there is no {machine_type!r} with {gpu_type}: take {example}"
    if there != count:
        return f"{machine_type} has {there} {gpu_type}, and --gpu_count is {count}: take {example}"
    return None


def _wrong_with_attached(counts: dict[str, int], count: int, machine_type: str, gpu_type: str) -> str | None:
    most = counts.get(str(count))
    if most is None:
        return f"a machine can have {', '.join(counts)} {gpu_type}, and --gpu_count is {count}"
    try:
        cores = size_of(machine_type).cores
    except ValueError:
        return f"there is no machine type {machine_type!r}: take n1-standard-8"
    if cores > most:
        return f"a machine with {count} {gpu_type} has at most {most} cores, and {machine_type} has {cores}"
    return None


def size_of(machine_type: str) -> Machine:
    """The size of a machine type.

    Args:
        machine_type: For example ``n2-standard-4`` or ``custom-6-15360``.

    Returns:
        Cores and memory.

    Raises:
        ValueError: The table does not know the type.
    """
    known = tables()["sizes"].get(machine_type)
    if known is not None:
        return Machine(known[0], float(known[1]))
    named = _NAME.fullmatch(machine_type)
    if named:
        a_core = tables()["memory_gb_a_core"].get(f"{named['family']}-{named['size']}")
        if a_core is not None and int(named["cores"]) > 0:
            return Machine(int(named["cores"]), int(named["cores"]) * a_core)
    custom = _CUSTOM.fullmatch(machine_type)
    if custom and int(custom["cores"]) > 0:
        return Machine(int(custom["cores"]), int(custom["megabytes"]) / 1024)
    raise ValueError(f"the size of machine type {machine_type!r} is not known")
