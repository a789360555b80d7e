"""The notebook of docs/library.md: it is valid, and all of it runs, in order, in a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


def test_the_notebook_is_valid_and_holds_no_output():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.language == "python"
    assert not [cell.id for cell in notebook.cells if cell.get("outputs")]


@pytest.mark.slow
def test_the_notebook_runs():
    # Its command is that of the environment that Jupyter runs in.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    runner = Path(__file__).with_name("notebook.py")
    ran = subprocess.run(
        [sys.executable, runner, NOTEBOOK.name],
        cwd=NOTEBOOK.parent,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    cells = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{"id"')]
    assert {tuple(cell["kinds"]) for cell in cells} >= {("text", "html"), ("text", "png"), ("shell",)}
    assert "FILE_CORRUPT" in ran.stdout and "from memory FILE_CORRUPT" in ran.stdout
    assert "file,page,key,value" in ran.stderr
