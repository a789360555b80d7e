"""Profiles: few examples, the same in every run, unless ``make fuzz`` asks for others.

BEAM_KIE_FUZZ_EXAMPLES is the number of examples a test; with it they are new in every run.
BEAM_KIE_FUZZ_COUNTS names a folder for the number of inputs that were tried.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fuzz.sandbox import Sandbox

_EXAMPLES = os.environ.get("BEAM_KIE_FUZZ_EXAMPLES")
_COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": False}

settings.register_profile("habit", max_examples=20, derandomize=True, database=None, **_COMMON)
settings.register_profile("hunt", max_examples=int(_EXAMPLES or 1000), database=None, **_COMMON)
settings.load_profile("hunt" if _EXAMPLES else "habit")


@pytest.fixture(scope="session")
def sandbox():
    """The process in which parsers run."""
    made = Sandbox()
    yield made
    made.close()
    counts = os.environ.get("BEAM_KIE_FUZZ_COUNTS")
    if counts:
        Path(counts, str(os.getpid())).write_text(str(made.calls))
