"""Key information extraction from scanned documents: values and pure functions, without Beam.

``beam_kie.read`` reads one document; see docs/library.md.
"""

import pkgutil
from typing import Any

__version__ = "0.2.0.dev0"

# Imported when they are first used: they bring in PyTorch. __init__.pyi tells type checkers of them.
_LAZY = {
    "DocumentError": "beam_kie.document:DocumentError",
    "ReadDocument": "beam_kie.reading.results:ReadDocument",
    "ReadOptions": "beam_kie.reading.options:ReadOptions",
    "read": "beam_kie.reading.document:read",
    "release_models": "beam_kie.reading.models:release_models",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = pkgutil.resolve_name(_LAZY[name])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
