import subprocess
import sys

import pytest

PAGES = """
import resource, sys
from transforms.stages.allocation import keep_freed_memory

def page():
    blocks = [bytearray(megabytes << 20) for megabytes in (28, 20, 20)]

if sys.argv[1] == "kept":
    keep_freed_memory()
page()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    page()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no such setting")
def test_the_memory_of_a_page_is_that_of_the_page_before():
    kept, given_back = (
        int(subprocess.run([sys.executable, "-c", PAGES, how], check=True, capture_output=True).stdout)
        for how in ("kept", "given back")
    )
    assert kept < given_back / 10
