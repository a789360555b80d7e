import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("package", ["beam_kie.document", "beam_kie.tables.schema", "model_store"])
def test_values_and_models_load_neither_beam_nor_cloud_storage(package):
    code = (
        f"import sys, {package}; print('apache_beam' in sys.modules, 'google.cloud.storage' in sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert loaded.strip() == "False False"


def test_script_defines_nothing_that_a_worker_needs():
    """Workers cannot import the script, so whatever it defines itself would be missing there."""
    code = (
        "import run_pipeline as script; print(*(v.__module__ for v in vars(script).values() if callable(v)))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert modules.stdout.split() and "run_pipeline" not in modules.stdout.split()


def test_dependencies_point_one_way():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert ", 0 broken" in done.stdout
