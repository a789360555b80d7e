"""Imports that take seconds, made faster."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_MODEL_MANAGER = "apache_beam.ml.inference.model_manager"


@contextmanager
def first_import(module: str) -> Iterator[None]:
    """Inside, a module with very many others behind it is imported for the first time.

    Garbage is not looked for meanwhile, which would take a quarter of the time: what modules consist of
    stays. Nor is it looked at again later.

    Args:
        module: its name; where it is there already, nothing is different inside.
    """
    if module in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def without_model_manager() -> Iterator[None]:
    """Inside, Beam's RunInference is imported for the first time without its manager of several models.

    The job has no use for it, and with it come PyTorch and the optimizers of SciPy, before anything is
    read. Beam itself does without where it cannot be imported. For programs only: other pipelines in this
    process could not use it either.
    """
    if _MODEL_MANAGER.rpartition(".")[0] in sys.modules:
        yield
        return
    manager = ModuleType(_MODEL_MANAGER)
    manager.ModelManager = None  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules[_MODEL_MANAGER] = manager
    try:
        yield
    finally:
        del sys.modules[_MODEL_MANAGER]
