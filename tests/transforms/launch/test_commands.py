import subprocess
import sys
from pathlib import Path

import pytest

from beam_kie import __version__
from transforms.launch import commands

ROOT = Path(__file__).resolve().parents[3]


def run(*argv: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "run_pipeline.py", *argv], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_subcommands_have_their_own_help_and_the_version(name, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/bin/beam-kie"])
    for argument, printed in (("--help", f"beam-kie {name}"), ("--version", f"beam-kie {__version__}\n")):
        with pytest.raises(SystemExit) as stop:
            commands.main([name, argument])
        assert stop.value.code == 0
        assert printed in capsys.readouterr().out


def test_arguments_after_the_name_are_the_subcommand_s(tmp_path):
    ran = run("show", str(tmp_path), "--limit", "1")
    assert ran.returncode == 2
    assert "no finished run" in ran.stderr


def test_everything_else_is_the_job_s(tmp_path, capsys):
    assert commands.main([]) == 2
    assert "--output" in capsys.readouterr().err
    assert commands.main(["--output", str(tmp_path / "show")]) == 2
    assert "--input" in capsys.readouterr().err
    assert commands.main(["--version"]) == 0
    assert capsys.readouterr().out == f"beam-kie {__version__}\n"


def test_help_of_the_job_lists_the_subcommands(capsys):
    assert commands.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, command in commands.COMMANDS.items():
        assert [line for line in lines if line.split()[:1] == [name] and line.endswith(command.summary)]


def test_a_mistyped_subcommand_is_told(capsys):
    assert commands.main(["shwo", "out"]) == 2
    error = capsys.readouterr().err
    assert "command show" in error and error.count("\n") == 1


def test_nothing_is_imported_before_it_is_needed():
    loaded = "import sys, transforms.launch.commands; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True).stdout
    assert "transforms.launch.commands" in modules.split()
    assert not {"apache_beam", "torch", "numpy", "pyarrow"} & set(modules.split())
