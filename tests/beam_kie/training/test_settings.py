import dataclasses
import json
from pathlib import Path

import pytest

import model_store
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.training import settings as settings_module
from beam_kie.training.__main__ import main
from beam_kie.training.planning.plan import network_config
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.settings import Settings

SETTINGS = Path(settings_module.__file__).parent


def test_settings_say_what_is_wrong(tmp_path, capsys):
    path = tmp_path / "settings.json"
    for text, says in (
        ("{", "settings.json"),
        ('{"output": "x", "teacher_weight": 1.5}', "teacher_weight .* between 0 and 1"),
        ('{"output": "x", "mask_rate": -0.1}', "mask_rate .* between"),
        ('{"output": "x", "stepz is unknown; did you mean steps": 1}', "stepz"),
        ("{}", "output"),
    ):
        path.write_text(text)
        with pytest.raises(SettingsError, match=says):
            Settings.load(path)
    assert main(["--config", str(path)]) == 2
    assert "output" in capsys.readouterr().err


def test_settings_extend_others(tmp_path):
    (tmp_path / "base.json").write_text(
        '{"output": "x", "steps": 7, "network": {"hidden_dropout_prob": 0.2}}'
    )
    (tmp_path / "own.json").write_text('{"extends": "base.json", "output": "y"}')
    settings = Settings.load(tmp_path / "own.json")
    assert settings == dataclasses.replace(Settings.load(tmp_path / "base.json"), output=str(tmp_path / "y"))
    assert (settings.steps, settings.network) == (7, {"hidden_dropout_prob": 0.2})
    for base, says in (("nowhere.json", "nowhere"), ("own.json", "recursion")):
        (tmp_path / "own.json").write_text(json.dumps({"extends": base, "output": "y"}))
        with pytest.raises(SettingsError, match=says):
            Settings.load(tmp_path / "own.json")


def test_settings_of_the_bundled_model_can_be_read():
    names = sorted(path.stem for path in SETTINGS.glob("*.json"))
    assert names == ["bundled", "bundled_free"]
    found = {name: Settings.load(SETTINGS / f"{name}.json") for name in names}
    free = network_config(found["bundled_free"], None, [], 8)
    shipped = LayoutXLMConfig.load(model_store.BUNDLED / "config.json")
    for config in (free, shipped):
        assert config.pictures and config.architecture.token_layout
    # The weights to ship learn from all pages; folds judge the settings.
    assert not any(source.holdout for source in found["bundled"].sources)
    assert (
        Path(found["bundled"].start_from).resolve() == model_store.BUNDLED.resolve().parent / "bundled_free"
    )
