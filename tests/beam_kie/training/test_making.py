"""Making bundled-free again with one command."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from beam_kie.ocr.box_geometry import GEOMETRIES
from beam_kie.training import making
from beam_kie.training.settings import Settings


@pytest.fixture
def commands(monkeypatch):
    """The commands that were run; those whose arguments hold ``failing`` end with 1."""
    run = []

    def fake(arguments, env, check):
        run.append(arguments[1:])
        if "--config" in arguments and "beam_kie.training" in arguments:
            folder = Path(env["WORK"]) / "bundled_free" / "model"
            folder.mkdir(parents=True)
            for name in ("config.json", "model.safetensors", "tokenizer.json", "provenance.json"):
                (folder / name).write_text(name)
        return subprocess.CompletedProcess(arguments, int(any(part in arguments for part in failing)))

    failing: list[str] = []
    monkeypatch.setattr(making.subprocess, "run", fake)
    return run, failing


def arguments(tmp_path):
    return ["--texts", str(tmp_path), "--work", str(tmp_path / "work"), "--output", str(tmp_path / "model")]


def test_the_settings_learn_from_the_forms_that_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("WORK", str(tmp_path))
    sources = Settings.load(making.SETTINGS).sources
    assert [Path(source.labels).parent.name for source in sources] == [each.name for each in making.FORMS]
    assert {each.geometry for each in making.FORMS} == set(GEOMETRIES)
    assert len({each.seed for each in making.FORMS}) == len(making.FORMS)
    assert sum(source.holdout is not None for source in sources) == 6


def test_a_command_that_failed_is_run_again_and_those_before_it_are_not(tmp_path, commands, capsys):
    run, failing = commands
    failing.append("beam_kie.training.line_vectors")
    assert making.main([*arguments(tmp_path), "--other_texts"]) == 2
    assert "line_vectors" in capsys.readouterr().err.strip().splitlines()[-1]
    assert len(run) == 2 * len(making.FORMS) + 1
    failing.clear()
    run.clear()
    assert making.main([*arguments(tmp_path), "--other_texts"]) == 0
    modules = [each[1].rpartition(".")[2] for each in run]
    assert modules == ["line_vectors", "training", "penalties", "calibration"]
    assert (tmp_path / "model" / "model.safetensors").read_text() == "model.safetensors"


def test_other_texts_are_refused_unless_asked_for(tmp_path, commands, capsys):
    for name in making.TEXTS:
        (tmp_path / name).write_bytes(b"another text")
    assert making.main(arguments(tmp_path)) == 2
    assert "other_texts" in capsys.readouterr().err
    assert not commands[0] and not (tmp_path / "work").exists()
    (tmp_path / "de.txt.xz").unlink()
    assert making.main(arguments(tmp_path)) == 2
    assert "de.txt.xz is missing" in capsys.readouterr().err


def test_texts_with_their_checksums_are_good(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"text")
    making.check_texts(tmp_path, {"a.txt": hashlib.sha256(b"text").hexdigest()})


def test_penalties_begin_at_zero_so_that_nothing_is_inherited_from_other_pages(tmp_path):
    choosing = [
        each.arguments
        for each in making.parts(tmp_path, tmp_path)
        if "beam_kie.training.penalties" in each.arguments
    ]
    assert len(choosing) == 1 and "--from_zero" in choosing[0]
    # The share of certain values comes from drawn forms: docs/model.md.
    assert json.loads(making.SETTINGS.read_text())["network"].keys() == {
        "name",
        "token_layout",
        "strip_channels",
        "certain_value_share",
    }
