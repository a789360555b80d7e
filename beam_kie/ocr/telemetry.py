"""Keeps OpenVINO from telling an analytics service of every process that uses it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast


def silence_openvino() -> None:
    """To be called before OpenVINO is imported.

    Where the package that reports is not to be had, OpenVINO takes an empty stand-in of its own.
    """
    # None in place of a module makes its import fail; the type of sys.modules does not know of that.
    cast(dict[str, ModuleType | None], sys.modules).setdefault("openvino_telemetry", None)
