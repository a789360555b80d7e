"""Several models as one."""

import re

import pytest

from beam_kie.layoutxlm.checkpoints import load_network, load_networks
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.weights.average import main as average
from beam_kie.training.weights.ensemble import main
from tests.small_networks import (
    BUNDLED_KIND,
    STRIPS_KIND,
    edit_config,
    form,
    same_results,
    save_model,
    small_network,
    with_strips,
)


@pytest.fixture
def members(tmp_path):
    with_pictures = save_model(tmp_path / "with_pictures", small_network(1, **STRIPS_KIND))
    text_only = save_model(tmp_path / "text_only", small_network(2, **BUNDLED_KIND))
    return with_pictures, text_only


def combined(folder, *models):
    return main(["--output", str(folder), *map(str, models)])


def test_an_ensemble_is_a_model_folder_that_decides_by_its_members(members, tmp_path):
    edit_config(members[0], join_penalty=0.5)
    assert combined(tmp_path / "both", *members) == 0
    both = KieModel.load(tmp_path / "both", device="cpu", dtype="float32")
    networks = [load_network(folder) for folder in members]
    by_hand = KieModel(networks[0], both.tokenizer, others=networks[1:])
    text = [with_strips(form(6)), form(4, 2, seed=2)]
    assert both.pictures == "strips"
    assert same_results(both.predict(text), by_hand.predict(text))
    config = LayoutXLMConfig.load(tmp_path / "both" / "config.json")
    assert (config.ensemble_size, config.decoding.join_penalty) == (2, 0.5)
    assert [each.strips is None for each in load_networks(tmp_path / "both")] == [False, True]


def test_training_goes_on_from_the_first_member(members, tmp_path):
    combined(tmp_path / "both", *members)
    first, alone = load_network(tmp_path / "both"), load_network(members[0])
    assert first.state_dict().keys() == alone.state_dict().keys()
    assert all((value == alone.state_dict()[name]).all() for name, value in first.state_dict().items())


def test_members_that_are_missing_in_the_weights_are_refused(members, tmp_path):
    combined(tmp_path / "both", *members)
    edit_config(tmp_path / "both", ensemble_size=3)
    with pytest.raises(ModelError, match="missing"):
        KieModel.load(tmp_path / "both")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: edit_config(folder, window_tokens=300), "differs from .* in window_tokens"),
        (lambda folder: edit_config(folder, ensemble_size=2), "an ensemble already"),
        (lambda folder: (folder / "config.json").unlink(), "lacks config.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "another vocabulary"),
    ],
)
def test_models_that_do_not_go_together_are_refused(members, tmp_path, capsys, change, says):
    change(members[1])
    assert combined(tmp_path / "both", *members) == 2
    error = capsys.readouterr().err
    assert re.search(says, error) and len(error.splitlines()) == 1
    assert not (tmp_path / "both").exists()


def test_the_member_that_reads_line_images_comes_first(members, tmp_path, capsys):
    assert combined(tmp_path / "both", *reversed(members)) == 2
    assert "line images" in capsys.readouterr().err


def test_an_ensemble_has_no_mean(members, tmp_path, capsys):
    combined(tmp_path / "both", *members)
    assert average(["--output", str(tmp_path / "mean"), str(tmp_path / "both")]) == 2
    assert "no common mean" in capsys.readouterr().err


def test_an_ensemble_of_one_is_the_model(members, tmp_path):
    combined(tmp_path / "one", members[0])
    config = LayoutXLMConfig.load(members[0] / "config.json")
    assert LayoutXLMConfig.load(tmp_path / "one" / "config.json") == config
