"""Keeps OpenVINO from telling an analytics service of every process that uses it."""

from __future__ import annotations

import sys


def silence_openvino() -> None:
    """To be called before OpenVINO is imported.

    Where the package that reports is not to be had, OpenVINO takes an empty stand-in of its own.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
