import ast
import subprocess
import sys
from pathlib import Path

import pytest

from transforms.launch.environment import missing_module

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "run_pipeline.py"


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [["--input=a", "--output=b"], ["--help"], ["show", "out"]], ids=str)
def test_without_the_packages_one_line_says_what_to_do(arguments, tmp_path):
    # -S: without site-packages, as a Python outside the environment.
    ran = run("-S", str(SCRIPT), *arguments, cwd=tmp_path)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
    assert sys.executable in ran.stderr and "has no " in ran.stderr
    assert not list(tmp_path.iterdir())


def test_an_old_python_is_told_before_anything_is_imported():
    as_old = f"import sys; sys.version_info = (3, 9, 2); exec(open({str(SCRIPT)!r}).read())"
    ran = run("-S", "-c", as_old)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
    assert "3.9" in ran.stderr and "3.11" in ran.stderr
    ast.parse(SCRIPT.read_text(), feature_version=(3, 4))


def test_the_advice_fits_what_is_there(tmp_path, capsys, monkeypatch):
    error = ModuleNotFoundError("No module named 'torch'", name="torch")
    assert missing_module(error, tmp_path) == 2
    assert "make demo" in capsys.readouterr().err
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    monkeypatch.chdir(tmp_path)
    missing_module(error, tmp_path)
    said = capsys.readouterr().err
    assert ".venv/bin/python run_pipeline.py" in said and "source .venv/bin/activate" in said
    monkeypatch.setattr("sys.prefix", str(tmp_path / ".venv"))
    missing_module(error, tmp_path)
    assert "pip install" in capsys.readouterr().err


def test_a_module_of_ours_that_is_missing_is_a_defect(tmp_path):
    with pytest.raises(ModuleNotFoundError):
        missing_module(ModuleNotFoundError("x", name="transforms.gone"), tmp_path)
