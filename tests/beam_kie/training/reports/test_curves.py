"""Curves of training runs, from logs as the training loop writes them."""

import builtins
import json
from importlib.util import find_spec

import pytest
from PIL import Image

from beam_kie.training.reports.curves import CurvesError, draw, draw_after_run, main, read_log

drawn = pytest.mark.skipif(find_spec("matplotlib") is None, reason="the extra train is not installed")

LOSSES = {"step": 50, "seconds": 34, "tags": 1.5, "relations": 2.5}
MEASURED = {"step": 100, "xfund/zh": {"ser": 0.8, "re": 0.9}, "funsd": {"ser": 0.7, "re": 0.85}}


def write_log(folder, *records, end="\n"):
    folder.mkdir(exist_ok=True)
    text = "\n".join(json.dumps(record) for record in records) + end
    (folder / "log.jsonl").write_text(text, "utf-8")
    return folder


def test_losses_and_measures_are_told_apart(tmp_path):
    curves = read_log(write_log(tmp_path / "run", LOSSES, {**LOSSES, "step": 100, "tags": 1.0}, MEASURED))
    assert curves.losses == {"tags": {50: 1.5, 100: 1.0}, "relations": {50: 2.5, 100: 2.5}}
    assert curves.measured["ser"] == {"xfund/zh": {100: 0.8}, "funsd": {100: 0.7}}
    assert set(curves.measured) == {"ser", "re"}


def test_steps_that_a_resumed_run_repeats_count_once(tmp_path):
    again = {**LOSSES, "tags": 9.0}
    assert read_log(write_log(tmp_path / "run", LOSSES, again)).losses["tags"] == {50: 9.0}


def test_line_that_is_being_written_is_left(tmp_path):
    folder = write_log(tmp_path / "run", LOSSES, end='\n{"step": 100, "ta')
    assert read_log(folder).losses["tags"] == {50: 1.5}


def test_broken_line_is_named(tmp_path):
    folder = write_log(tmp_path / "run", LOSSES, ["no", "record"], LOSSES)
    with pytest.raises(CurvesError, match=r"log\.jsonl:2: not a line of a training log"):
        read_log(folder)


@drawn
def test_picture_grows_with_the_measures(tmp_path):
    """Two runs, one of them measured: losses and two measures; losses alone: one panel."""
    plain = write_log(tmp_path / "plain", LOSSES, {**LOSSES, "step": 100})
    measured = write_log(tmp_path / "measured", LOSSES, MEASURED)
    both = tmp_path / "both.png"
    assert main([str(plain), str(measured), "--output", str(both)]) == 0
    draw_after_run(plain)
    with Image.open(both) as large, Image.open(plain / "curves.png") as small:
        assert large.width == 2 * small.width
        assert large.height == 2 * small.height


@drawn
def test_every_curve_is_a_line_in_its_colour(tmp_path):
    """The same source has the same colour in both runs, the runs differ in style."""
    runs = {name: read_log(write_log(tmp_path / name, LOSSES, MEASURED)) for name in ("a", "b")}
    path = tmp_path / "curves.svg"
    draw(runs, path)
    svg = path.read_text("utf-8")
    assert svg.count("#1f77b4") > 2
    assert "stroke-dasharray" in svg


@drawn
def test_runs_of_the_same_name_are_kept_apart(tmp_path):
    runs = [tmp_path / "first" / "out", tmp_path / "second" / "out"]
    for run in runs:
        run.parent.mkdir()
        write_log(run, LOSSES)
    picture = tmp_path / "curves.svg"
    assert main([*map(str, runs), "--output", str(picture)]) == 0
    text = picture.read_text("utf-8")
    assert all(f"<!-- {run} -->" in text for run in runs)


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (None, "no log.jsonl in it: name the output folder of a training run"),
        ("", "nothing logged yet"),
    ],
)
def test_run_without_a_log_is_said(tmp_path, capsys, log, message):
    if log is not None:
        (tmp_path / "log.jsonl").write_text(log, "utf-8")
    output = tmp_path / "curves.png"
    assert main([str(tmp_path), "--output", str(output)]) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


@drawn
def test_unknown_ending_and_missing_folder_are_reported(tmp_path, capsys):
    folder = str(write_log(tmp_path / "run", LOSSES))
    assert main([folder, "--output", str(tmp_path / "curves.gnu")]) == 2
    assert "curves.gnu" in capsys.readouterr().err
    assert main([folder, "--output", str(tmp_path / "none" / "curves.png")]) == 2
    assert "none" in capsys.readouterr().err


def test_without_matplotlib_the_command_says_what_to_install(tmp_path, capsys, monkeypatch):
    real_import = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    folder = write_log(tmp_path / "run", LOSSES)
    assert main([str(folder), "--output", str(tmp_path / "curves.png")]) == 2
    assert "pip install matplotlib" in capsys.readouterr().err


def test_after_a_run_without_matplotlib_nothing_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("beam_kie.training.reports.curves.importlib.util.find_spec", lambda name: None)
    folder = write_log(tmp_path / "run", LOSSES)
    draw_after_run(folder)
    assert not (folder / "curves.png").exists()


@drawn
def test_run_whose_log_is_broken_ends_well(tmp_path, capsys):
    draw_after_run(write_log(tmp_path / "run", ["no", "record"]))
    assert "warning: the run is complete" in capsys.readouterr().err
