"""What Beam stages for workers holds everything that they import."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability import stager

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("beam_kie", "transforms", "model_store")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMPORT_ALL = """
import importlib, pathlib, sys
home = pathlib.Path(sys.argv[1])
for path in sorted(home.rglob("*.py")):
    parts = path.relative_to(home).with_suffix("").parts
    if parts[-1] != "__main__":
        module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
        assert pathlib.Path(module.__file__) == path, module.__file__
        print(module.__name__)
"""


def source_files(suffix: str) -> set[str]:
    """Files of our packages, relative to the root."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob(f"*{suffix}"))
    return {
        str(path.relative_to(ROOT)) for path in found if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_package_is_listed():
    there = {os.path.dirname(path).replace("/", ".") for path in source_files(".py")}
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == there


def test_pinned_versions_are_those_of_the_dependencies():
    from packaging.requirements import Requirement

    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = line.split("==")
            pins[name.lower().replace("_", "-")] = version
    assert pins["torch"] == "2.13.0"
    wanted = [*SETTINGS["project"]["dependencies"], *SETTINGS["project"]["optional-dependencies"]["dev"]]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    """The archive that Beam's own stager builds for ``--setup_file`` from a checkout."""
    checkout = tmp_path_factory.mktemp("checkout") / "beam-kie"
    hidden = shutil.ignore_patterns(".*", "__pycache__", "out", "build", "dist", "*.egg-info", "samples")
    shutil.copytree(ROOT, checkout, ignore=hidden)
    staging = tmp_path_factory.mktemp("staging")
    options = PipelineOptions([f"--setup_file={checkout / 'setup.py'}", "--sdk_location=container"])
    resources = stager.Stager.create_job_resources(options, str(staging))
    archives = [path for path in staging.iterdir() if path.name.endswith(".tar.gz")]
    assert len(archives) == 1, resources
    return archives[0]


def test_archive_holds_code_weights_and_licence(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"LICENSE", "run_pipeline.py", "setup.py", "pyproject.toml"} <= names
    assert source_files("") <= names


@pytest.mark.slow
def test_archive_works_in_a_clean_environment(sdist, tmp_path):
    home = tmp_path / "home"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--target", home, sdist], check=True, capture_output=True)
    assert {path for path in source_files("") if not (home / path).is_file()} == set()

    clean = {**os.environ, "PYTHONPATH": str(home), "OMP_NUM_THREADS": "1"}
    run = {"cwd": tmp_path, "env": clean, "capture_output": True, "text": True}
    imported = subprocess.run([sys.executable, "-c", IMPORT_ALL, home], **run)
    assert imported.returncode == 0, imported.stderr
    assert {"run_pipeline", "transforms.pipeline", "model_store"} <= set(imported.stdout.split())

    asked = subprocess.run([sys.executable, "-m", "run_pipeline", "--help"], **run)
    assert asked.returncode == 0 and "--input" in asked.stdout
