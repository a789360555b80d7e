import dataclasses
import json
from importlib import resources

import model_store
from beam_kie.layoutxlm.config import Decoding
from beam_kie.training.planning.presets import SMALL_NETWORK


def test_runs_of_the_settings_of_bundled_decode_as_its_weights_do():
    settings = json.loads((resources.files("beam_kie.training") / "bundled.json").read_text("utf-8"))
    shipped = json.loads((model_store.resolve("bundled") / "config.json").read_text("utf-8"))
    costs = {**SMALL_NETWORK, **settings["network"]}
    names = costs.keys() & {field.name for field in dataclasses.fields(Decoding)}
    assert {"switch_penalty", "none_penalty", "second_key", "row_repairs"} <= names
    assert {name: costs[name] for name in names} == {name: shipped[name] for name in names}
