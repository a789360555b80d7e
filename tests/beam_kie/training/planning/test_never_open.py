"""Weights that are free of non-commercial data: what must not be opened is not."""

import json
import lzma
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from beam_kie.forms import LANGUAGES
from beam_kie.forms.__main__ import main as forms
from beam_kie.forms.domains import COMMON, load_domain
from beam_kie.training.__main__ import main
from beam_kie.training.line_vectors.files import LineVectors
from beam_kie.training.planning import never_open
from beam_kie.training.planning.never_open import check_paths, nothing_opened_in
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.reports.card import main as card
from beam_kie.training.settings import Settings

FREE = resources.files("beam_kie.training") / "bundled_free.json"
TINY = {
    "hidden_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "coordinate_size": 8,
    "shape_size": 8,
    "relation_size": 32,
    "strip_channels": [4, 4, 4],
}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The folders that ``DATA`` has, with one file each; ``TEXTS`` and ``WORK`` are set as well."""
    folder = tmp_path / "data"
    for name in ("xfund_zh_train", "xfund_annotations", "funsd_train", "text"):
        (folder / name).mkdir(parents=True)
        (folder / name / "labels.txt").write_text("p.jpg\t[]\n")
    for language in LANGUAGES:
        text = "\n".join(load_domain(language, COMMON).key_texts())
        (folder / "text" / f"{language}.txt.xz").write_bytes(lzma.compress(text.encode()))
    monkeypatch.setenv("DATA", str(folder))
    monkeypatch.setenv("TEXTS", str(folder / "text"))
    monkeypatch.setenv("WORK", str(tmp_path / "work"))
    return folder


@pytest.fixture
def settings_file(tmp_path):
    def write(**changes):
        path = tmp_path / "settings.json"
        values = {"extends": str(FREE), "output": "run", "network": TINY, "steps": 2, "batch_tokens": 256}
        values |= {"sources": [], "line_vectors": None, "phrase_share": 0, "synthetic_share": 0.9}
        values["text_embeddings"] = False
        path.write_text(
            json.dumps({**values, "vocabulary_size": 2000, "warmup_steps": 0, "evaluate_every": 2, **changes})
        )
        return path

    return write


def test_the_settings_of_free_weights_name_drawn_forms_alone_and_no_weights(data, tmp_path):
    settings = Settings.load(str(FREE))
    assert not settings.start_from and not settings.teacher and settings.tokenizer is None
    for source in settings.sources:
        assert source.licence == "Apache-2.0"
        named = (source.labels, source.images, source.ocr_lines)
        assert all(Path(path).is_relative_to(tmp_path / "work" / "forms") for path in named)
    assert {path.rpartition("/")[2] for path in settings.never_open} >= {
        *("xfund_zh_train", "xfund_annotations", "funsd_train", "bundled")
    }
    check_paths(settings)


def test_free_weights_are_made_without_opening_what_they_must_not_hold(data, settings_file, tmp_path):
    assert forms(["--output", str(tmp_path / "forms"), "--count", "2", "--languages", "en"]) == 0
    rows = np.eye(3, dtype=np.float16)
    LineVectors(("Name", "Date", "Signature"), ("en",) * 3, rows, (3,)).save(tmp_path / "lines.npz")
    source = {"labels": "forms/labels.txt", "images": "forms", "licence": "Apache-2.0"}
    changes = {"sources": [source], "line_vectors": "lines.npz", "phrase_share": 0.2, "synthetic_share": 0.2}
    assert main(["--config", str(settings_file(never_open=_excluded(data), **changes))]) == 0
    model = tmp_path / "run" / "model"
    provenance = json.loads((model / "provenance.json").read_text())
    assert all(item["licence"] is None for item in provenance["data"]) and not provenance["own"]
    assert card([f"--model={model}"]) == 0
    assert "Apache-2.0" in (model / "model_card.md").read_text()


def test_a_run_that_opens_such_a_file_ends_with_one_line(data, settings_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "beam_kie.training.planning.plan.read_text",
        lambda path: (data / "funsd_train" / "labels.txt").read_text().splitlines(),
    )
    assert main(["--config", str(settings_file(never_open=_excluded(data)))]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert "never_open" in lines[-1] and "funsd_train" in lines[-1]
    assert not (tmp_path / "run" / "model").exists()


def test_settings_that_name_such_a_file_are_refused(data, settings_file, capsys):
    source = {"labels": str(data / "funsd_train" / "labels.txt")}
    assert main(["--config", str(settings_file(never_open=_excluded(data), sources=[source]))]) == 2
    assert "labels.txt lies in" in capsys.readouterr().err


def test_nothing_is_watched_where_nothing_is_named(monkeypatch):
    """Hooks stay for as long as the process, and slow down every file that is opened."""
    added = []
    monkeypatch.setattr(sys, "addaudithook", added.append)
    monkeypatch.setattr(never_open, "_WATCH", never_open._Watch())
    with nothing_opened_in([]):
        assert not added
    with nothing_opened_in(["folder"]):
        assert len(added) == 1


def test_files_are_watched_while_the_context_lasts(tmp_path):
    inside, link = tmp_path / "kept" / "file", tmp_path / "link"
    inside.parent.mkdir()
    inside.write_text("x")
    (tmp_path / "kept-not").write_text("y")
    link.symlink_to(inside)
    with nothing_opened_in([str(inside.parent)]):
        for path in (inside, link):
            with pytest.raises(SettingsError, match="never_open"):
                path.read_text()
        assert (tmp_path / "kept-not").read_text() == "y"
    assert inside.read_text() == "x"


def _excluded(data):
    return [str(data / name) for name in ("xfund_zh_train", "xfund_annotations", "funsd_train")]
