import pytest
import torch
from safetensors.torch import load_file

from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.weights.average import main
from tests.small_networks import BUNDLED_KIND, page, save_model, small_network


def saved(folder, seed, **changes):
    return save_model(folder, small_network(seed=seed, **{**BUNDLED_KIND, **changes}))


def test_the_mean_weighs_models_by_their_shares_and_can_be_used(tmp_path):
    one, other = saved(tmp_path / "one", 1), saved(tmp_path / "other", 2)
    assert main(["--output", str(tmp_path / "mean"), f"{one}=1", f"{other}=3"]) == 0
    first, second, mean = (
        load_file(tmp_path / name / "model.safetensors") for name in ("one", "other", "mean")
    )
    for name, value in mean.items():
        assert value.dtype == torch.float16
        torch.testing.assert_close(
            value.float(), 0.25 * first[name] + 0.75 * second[name], atol=2e-3, rtol=2e-3
        )
    assert KieModel.load(tmp_path / "mean", device="cpu").predict([page("name Anna")])


def test_a_folder_without_a_share_counts_once(tmp_path):
    one = saved(tmp_path / "one", 1)
    assert main(["--output", str(tmp_path / "mean"), str(one), f"{one}=1"]) == 0


def test_the_part_for_line_images_is_that_of_the_first(tmp_path):
    one, other = (saved(tmp_path / name, seed, strip_channels=(4, 6, 8)) for seed, name in enumerate("ab"))
    assert main(["--output", str(tmp_path / "mean"), f"{one}=1", f"{other}=3"]) == 0
    first, second, mean = (load_file(tmp_path / name / "model.safetensors") for name in ("a", "b", "mean"))
    for name in ("strips.dense.weight", "strips.norm.running_var", "strips.columns.weight"):
        torch.testing.assert_close(mean[name].float(), first[name], atol=1e-3, rtol=1e-2)
    name = "classifier.weight"
    torch.testing.assert_close(
        mean[name].float(), 0.25 * first[name] + 0.75 * second[name], atol=2e-3, rtol=2e-3
    )


def test_weights_for_the_layout_count_as_zero_where_they_are_missing(tmp_path):
    new, old = saved(tmp_path / "new", 1, token_layout=True), saved(tmp_path / "old", 2)
    assert main(["--output", str(tmp_path / "mean"), f"{new}=1", f"{old}=3"]) == 0
    first, mean = (load_file(tmp_path / name / "model.safetensors") for name in ("new", "mean"))
    name = "embeddings.token_layout.buckets.weight"
    torch.testing.assert_close(mean[name].float(), 0.25 * first[name], atol=1e-3, rtol=1e-2)
    assert KieModel.load(tmp_path / "mean", device="cpu").predict([page("name Anna")])
    assert main(["--output", str(tmp_path / "other"), str(old), str(new)]) == 2


@pytest.mark.parametrize("kind", ["none", "sizes", "vocabulary", "shares"])
def test_models_that_have_no_mean_are_refused_and_nothing_is_written(tmp_path, capsys, kind):
    one, other = saved(tmp_path / "one", 1), tmp_path / "other"
    if kind != "none":
        saved(other, 2, **({"relation_size": 32} if kind == "sizes" else {}))
    if kind == "vocabulary":
        (other / "tokenizer.json").write_text("{}")
    shares = ("0", "0") if kind == "shares" else ("1", "1")
    assert main(["--output", str(tmp_path / "mean"), f"{one}={shares[0]}", f"{other}={shares[1]}"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "mean").exists()
