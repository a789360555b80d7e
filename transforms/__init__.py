"""The Beam job: PTransforms, model handlers and sinks, and its command line.

``transforms.ExtractKeyValues`` is the job's work as a step of another pipeline; see docs/library.md.
"""

import pkgutil
from typing import Any

# Imported when they are first used: they bring in Beam and PyTorch. __init__.pyi tells type checkers of them.
_LAZY = {
    "ExtractKeyValues": "transforms.extract:ExtractKeyValues",
    "Extracted": "transforms.extract:Extracted",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = pkgutil.resolve_name(_LAZY[name])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
