import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from model_store import references
from model_store.cli import main
from tests.small_networks import save_model, small_network

COMMANDS = ("import", "fetch", "verify", "list", "path")


def run(capsys, *argv):
    """Exit code, standard output and standard error of a command."""
    try:
        code = main([str(arg) for arg in argv])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out.strip(), captured.err.strip()


@pytest.fixture
def archive(web, tmp_path):
    save_model(tmp_path / "ours", small_network())
    with tarfile.open(web.folder / "ours.tar", "w") as tar:
        tar.add(tmp_path / "ours", "ours")
    return f"{web.address}/ours.tar"


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help(capsys, command):
    code, out, _ = run(capsys, *command, "--help")
    assert code == 0
    assert out.startswith("usage: python -m model_store")
    if not command:
        assert all(f"    {name} " in out for name in COMMANDS)


def test_import_and_verify(capsys, hugging_face_folder, tmp_path):
    made = tmp_path / "made"
    assert run(capsys, "import", hugging_face_folder, made, "--name", "mine") == (0, str(made), "")
    assert json.loads((made / "config.json").read_text())["name"] == "mine"
    assert run(capsys, "verify", made) == (0, f"{made}: good", "")
    assert run(capsys, "path", made) == (0, str(made), "")
    data = (made / "model.safetensors").read_bytes()
    (made / "model.safetensors").write_bytes(data[:-8])
    code, out, _ = run(capsys, "verify", made)
    assert (code, "damaged: model.safetensors" in out) == (1, True)
    (made / "model_card.md").unlink()
    code, out, _ = run(capsys, "verify", made)
    assert (code, "cut off" in out) == (1, True)


@pytest.mark.parametrize("fault", ["source", "weights", "destination", "arguments"])
def test_import_of_what_cannot_be_used_is_one_line_and_exit_code_2(
    capsys, hugging_face_folder, tmp_path, fault
):
    made = tmp_path / "made"
    source = tmp_path / "none" if fault == "source" else hugging_face_folder
    if fault == "weights":
        (source / "model.safetensors").write_bytes(b"no")
    if fault == "destination":
        made.mkdir()
    more = ("--no_such_option",) if fault == "arguments" else ()
    code, out, err = run(capsys, "import", source, made, *more)
    assert (code, out) == (2, "")
    if fault != "arguments":
        assert err.startswith("error: ")
        assert "\n" not in err
    assert not made.exists() or not any(made.iterdir())


def test_fetch_path_list_verify(capsys, archive, cache_root):
    code, _, err = run(capsys, "path", archive)
    assert (code, "fetch it first" in err) == (1, True)
    code, folder, _ = run(capsys, "fetch", archive)
    assert code == 0
    assert run(capsys, "path", archive) == (0, folder, "")
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert any(line.startswith(archive) and line.endswith("MB") for line in out.splitlines())
    assert "paddle:ser_LayoutXLM_xfun_zh " in out
    assert run(capsys, "verify") == (0, f"{archive}: good", "")
    weights = Path(folder) / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    code, out, _ = run(capsys, "verify", archive)
    assert (code, "damaged: model.safetensors" in out) == (1, True)


def test_models_of_the_project(capsys, tmp_path, monkeypatch, cache_root):
    folder = tmp_path / "bundled"
    monkeypatch.setattr(references, "BUNDLED", folder)
    for command in ("path", "verify", "fetch"):
        code, out, err = run(capsys, command, "bundled")
        assert (code, out, err.count("\n")) == (1, "", 0)
        assert err.startswith("error: ") and str(folder) in err
    states = dict(line.split()[:2] for line in run(capsys, "list")[1].splitlines())
    assert states["bundled"] == "missing"
    save_model(folder, small_network())
    assert run(capsys, "path", "bundled") == (0, str(folder), "")
    assert run(capsys, "verify", "bundled") == (0, "bundled: good", "")
    states = dict(line.split()[:2] for line in run(capsys, "list")[1].splitlines())
    assert states["bundled"] == "here"


def test_what_is_not_there_is_exit_code_1(capsys, web, cache_root):
    for argv in (
        ("fetch", f"{web.address}/none.tar"),
        ("verify", "paddle:ser_LayoutXLM_xfun_zh"),
        ("path", "no/such/folder"),
        ("fetch", "paddle:other"),
    ):
        code, out, err = run(capsys, *argv)
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
        assert "\n" not in err


def test_runs_as_a_module(tmp_path):
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "model_store", "list"],
        cwd=root,
        env={**os.environ, "BEAM_KIE_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bundled")
