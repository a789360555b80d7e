"""``make fuzz``: the tests of this folder over and over, with new examples each time, for some minutes.

It ends after the first round with a finding. What failed is then in build/fuzz, as small as it could be made:
mend it, and make a plain test of it, beside those of the module that was wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.sandbox import FINDINGS, REPOSITORY

EXAMPLES = 200
"""Of each test in a round of about a minute: every round starts with another seed and a new child process."""


def main(minutes: float, workers: str) -> int:
    """Runs rounds until the time is over.

    Returns:
        0, or the exit code of pytest for the round that found something.
    """
    start, tried, rounds, code = time.monotonic(), 0, 0, 0
    while code == 0 and time.monotonic() - start < 60 * minutes:
        seed = int.from_bytes(os.urandom(4), "big")
        with tempfile.TemporaryDirectory() as counts:
            code = _round(seed, counts, workers)
            tried += sum(int(file.read_text()) for file in Path(counts).iterdir())
        rounds += 1
        passed = (time.monotonic() - start) / 60
        print(f"fuzz: {rounds} rounds, {tried:,} inputs, {passed:.1f} minutes (last seed {seed})", flush=True)
    if code:
        print(f"fuzz: a finding, see above and {FINDINGS}", flush=True)
    return code


def _round(seed: int, counts: str, workers: str) -> int:
    command = [sys.executable, "-m", "pytest", "tests/fuzz", "-q", "-n", workers, "--dist", "worksteal"]
    settings = {"BEAM_KIE_FUZZ_EXAMPLES": str(EXAMPLES), "BEAM_KIE_FUZZ_COUNTS": counts}
    return subprocess.run(
        [*command, "--no-header", f"--hypothesis-seed={seed}"],
        cwd=REPOSITORY,
        env={**os.environ, **settings},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2]))
