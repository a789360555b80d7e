import os
import subprocess
import sys

LOAD = """
import os, sys
os.register_at_fork(before=lambda: print("forked"))
from beam_kie.ocr import OcrOptions, create_engine
create_engine(OcrOptions(device="cpu", threads=1))
assert "openvino" in sys.modules
print(*(name for name in sys.modules if name.startswith("openvino_telemetry.")))
"""


def test_openvino_sends_no_telemetry(tmp_path):
    # It would leave a client id in the home folder, and start a process that sends what it counts.
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        env={**environment, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
    assert not (tmp_path / "intel").exists()
