"""What Beam stages for workers holds everything that they import."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability import stager
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("beam_kie", "transforms", "model_store")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
IMPORT_ALL = """
import importlib.metadata, pathlib, sys
home = pathlib.Path(sys.argv[1])
for path in sorted(home.rglob("*.py")):
    parts = path.relative_to(home).with_suffix("").parts
    if parts[-1] != "__main__":
        module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
        assert pathlib.Path(module.__file__) == path, module.__file__
        print(module.__name__)
(installed,) = importlib.metadata.distributions(name="beam-kie", path=[str(home)])
for script in installed.entry_points.select(group="console_scripts"):
    assert callable(script.load()), script
    print(script.name)
"""


def applies(requirement: Requirement, python: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(
        {"python_version": python, "python_full_version": f"{python}.1"}
    )


def pins_for(python: str) -> dict[str, str]:
    """Of constraints.txt, by canonical name."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {}
    for requirement in map(Requirement, lines):
        if applies(requirement, python):
            (pin,) = requirement.specifier
            assert pin.operator == "==" and canonicalize_name(requirement.name) not in pins, requirement
            pins[canonicalize_name(requirement.name)] = pin.version
    return pins


def python_classifiers() -> list[str]:
    head = "Programming Language :: Python :: 3."
    return [each.rpartition(" ")[2] for each in SETTINGS["project"]["classifiers"] if each.startswith(head)]


def source_files(suffix: str) -> set[str]:
    """Files of our packages, relative to the root."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob(f"*{suffix}"))
    return {
        str(path.relative_to(ROOT)) for path in found if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_package_is_listed_and_typed():
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)
    there = {os.path.dirname(path).replace("/", ".") for path in source_files(".py")}
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == there


def test_pinned_versions_are_those_of_the_dependencies():
    project = SETTINGS["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    for python in SUPPORTED:
        pins = pins_for(python)
        for requirement in map(Requirement, wanted):
            if applies(requirement, python):
                assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_supported_versions_of_python_are_the_same_everywhere():
    bounds = SpecifierSet(SETTINGS["project"]["requires-python"])
    assert all(python in bounds for python in SUPPORTED)
    assert "3.10" not in bounds and "3.15" not in bounds
    assert python_classifiers() == SUPPORTED
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == SUPPORTED
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert any(command.startswith("make test ") for command in commands) and "make api" in commands


def test_a_python_that_is_not_supported_is_named_before_anything_is_installed(tmp_path):
    old = tmp_path / "python3.10"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 10, 9); $2"\n')
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    made = subprocess.run(["make", "demo", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 2
    assert "3.10" in made.stderr and "3.11 to 3.14" in made.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_default_environment_has_one_opencv():
    """Packages of OpenCV all write the folder cv2; those of an extra are of the same version."""
    names = {canonicalize_name(Requirement(each).name) for each in SETTINGS["project"]["dependencies"]}
    assert "paddleocr" not in names
    for python in SUPPORTED:
        versions = {version for name, version in pins_for(python).items() if name.startswith("opencv-")}
        assert len(versions) == 1


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
    found = set(imported.stdout.split())
    assert {"run_pipeline", "transforms.pipeline", "model_store", *SETTINGS["project"]["scripts"]} <= found

    for name in SETTINGS["project"]["scripts"]:
        assert (home / "bin" / name).is_file()
    scan = ROOT / "samples" / "en_invoice.jpg"
    ran = subprocess.run([home / "bin" / "beam-kie", f"--input={scan}", "--output=out", "--run_id=r"], **run)
    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "out" / "overlays").rglob("*.jpg"))) == 1
