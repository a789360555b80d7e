"""Choosing the penalties of decoding."""

import json
import shutil

import pytest

import model_store
from beam_kie.forms.__main__ import main as forms
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.training import penalties
from beam_kie.training.data.ocr_lines import main as read
from beam_kie.training.penalties import main
from beam_kie.training.reports.card import change_config
from model_store.model_card import changed_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Drawn forms with their lines, a model folder and the settings of a run that held out all of them."""
    folder = tmp_path_factory.mktemp("penalties")
    assert (
        forms(["--output", str(folder / "forms"), "--count", "3", "--languages", "de", "--dpi", "100"]) == 0
    )
    labels = folder / "forms" / "labels.txt"
    assert (
        read([str(folder / "forms"), "--output", str(folder / "lines.jsonl"), "--labels", str(labels)]) == 0
    )
    source = {"labels": "forms/labels.txt", "images": "forms", "ocr_lines": "lines.jsonl", "holdout": ""}
    (folder / "settings.json").write_text(json.dumps({"output": "run", "sources": [source]}))
    shutil.copytree(model_store.BUNDLED, folder / "model")
    return folder


def bad_decoding(folder):
    """The model with a decoding that cuts nothing and links nothing."""
    change_config(folder / "model", none_penalty=-20.0, join_penalty=20.0)


def arguments(folder):
    return ["--model", str(folder / "model"), "--config", str(folder / "settings.json")]


def test_a_decoding_that_links_nothing_is_mended_and_written(folder, capsys, monkeypatch):
    monkeypatch.setattr(penalties, "CANDIDATES", {"join_penalty": (0.0, 20.0), "none_penalty": (-20.0, 0.0)})
    bad_decoding(folder)
    before = (folder / "model" / "config.json").read_bytes()
    assert main(arguments(folder)) == 0
    said = capsys.readouterr().out
    assert "join_penalty" in said and "none_penalty 0 " in said
    assert (folder / "model" / "config.json").read_bytes() == before
    assert main([*arguments(folder), "--write"]) == 0
    assert changed_files(folder / "model") == []
    assert LayoutXLMConfig.load(folder / "model" / "config.json").decoding.none_penalty >= 0


@pytest.mark.parametrize("change", [{"holdout": None}, {"ocr_lines": None}])
def test_without_held_out_pages_that_ocr_read_there_is_nothing_to_choose_on(folder, change, tmp_path, capsys):
    settings = json.loads((folder / "settings.json").read_text())
    source = {**settings["sources"][0], **change}
    source = {name: value for name, value in source.items() if value is not None}
    (folder / "other.json").write_text(json.dumps({**settings, "sources": [source]}))
    assert main(["--model", str(folder / "model"), "--config", str(folder / "other.json")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
