"""Weights that are free of non-commercial data: what must not be opened is not."""

import json
import lzma
from importlib import resources

import pytest

from beam_kie.forms import LANGUAGES
from beam_kie.forms.domains import COMMON, load_domain
from beam_kie.training.__main__ import main
from beam_kie.training.planning.never_open import check_paths, nothing_opened_in
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.settings import Settings

FREE = resources.files("beam_kie.training") / "bundled_free_start.json"
TINY = {
    "hidden_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "coordinate_size": 8,
    "shape_size": 8,
    "relation_size": 32,
}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The folders that ``DATA`` has, with one file each."""
    folder = tmp_path / "data"
    for name in ("xfund_zh_train", "xfund_annotations", "funsd_train", "text"):
        (folder / name).mkdir(parents=True)
        (folder / name / "labels.txt").write_text("p.jpg\t[]\n")
    for language in LANGUAGES:
        text = "\n".join(load_domain(language, COMMON).key_texts())
        (folder / "text" / f"{language}.txt.xz").write_bytes(lzma.compress(text.encode()))
    monkeypatch.setenv("DATA", str(folder))
    return folder


@pytest.fixture
def settings_file(tmp_path):
    def write(**changes):
        path = tmp_path / "settings.json"
        values = {"extends": str(FREE), "output": "run", "network": TINY, "steps": 2, "batch_tokens": 256}
        path.write_text(
            json.dumps({**values, "vocabulary_size": 5000, "warmup_steps": 0, "evaluate_every": 2, **changes})
        )
        return path

    return write


def test_the_settings_of_free_weights_name_no_labelled_page_and_no_weights(data):
    settings = Settings.load(str(FREE))
    assert not settings.sources and not settings.start_from and not settings.teacher
    assert settings.tokenizer is None
    assert settings.synthetic_share + settings.text_share == 1
    assert {path.rpartition("/")[2] for path in settings.never_open} >= {
        *("xfund_zh_train", "xfund_annotations", "funsd_train", "bundled")
    }
    check_paths(settings)


def test_free_weights_are_made_without_opening_what_they_must_not_hold(data, settings_file, tmp_path):
    assert main(["--config", str(settings_file(never_open=_excluded(data)))]) == 0
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
    provenance = json.loads((tmp_path / "run" / "model" / "provenance.json").read_text())
    assert all(item["licence"] is None for item in provenance["data"])


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
