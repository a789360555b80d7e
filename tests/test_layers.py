import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("package", ["beam_kie.document", "beam_kie.tables.schema", "model_store"])
def test_nouns_and_weights_load_neither_beam_nor_cloud_storage(package):
    code = (
        f"import sys, {package}; print('apache_beam' in sys.modules, 'google.cloud.storage' in sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == "False False"


def test_script_defines_nothing_that_a_worker_needs():
    script = (ROOT / "run_pipeline.py").read_text()
    assert not re.search(r"^(def|class) ", script, re.MULTILINE)


def test_dependencies_point_one_way():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert ", 0 broken" in done.stdout
