import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from beam_kie.evaluation import evaluate, gold_pages
from beam_kie.evaluation.__main__ import main
from beam_kie.labelled.formats import read_labels
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from tests.labelled_forms import LABELS
from tests.small_networks import save_model, small_network

REPOSITORY = Path(__file__).resolve().parents[3]
BUNDLED = REPOSITORY / "model_store" / "bundled" / "config.json"
SCORES = ["ser", "re", "ser_paddleocr", "re_paddleocr", "pairs_gold_lines"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A real model folder: a tiny network with random weights, one token a character."""
    folder = tmp_path_factory.mktemp("model")
    letters = sorted({letter for text in LABELS for letter in text} | set("page one"))
    vocabulary = {token: index for index, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *letters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    config = LayoutXLMConfig.from_fields(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        coordinate_size=6,
        shape_size=4,
        position_kind="line",
        relation_head="softmax",
        relation_size=16,
        name="tiny",
    )
    config.save(folder / "config.json")
    torch.manual_seed(7)
    save_file(LayoutXLM(config).state_dict(), folder / "model.safetensors")
    return folder


def run(*arguments, timeout=300):
    return subprocess.run(
        [sys.executable, "-m", "beam_kie.evaluation", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_the_command_prints_what_evaluate_finds(labelled, model_folder):
    done = run("--labels", labelled / "labels.txt", "--model", model_folder, "--json", "--device", "cpu")

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert list(figures) == [*SCORES, "pairs_from_image", "documents", "box_geometries"]
    assert figures["documents"] == 3
    assert figures["pairs_from_image"] is None
    expected = evaluate(
        KieModel.load(model_folder, device="cpu"), gold_pages(read_labels(labelled / "labels.txt"))
    )
    assert figures.pop("box_geometries") == {}
    assert figures == json.loads(json.dumps(expected.as_dict()))
    assert "gold lines: 3 of 3 pages" in done.stderr
    assert "3 labelled entries have no text" in done.stderr


def test_whole_lines_can_be_switched_off(labelled, model_folder, capsys):
    def figures(*flags):
        assert (
            main(["--labels", str(labelled / "labels.txt"), "--model", str(model_folder), "--json", *flags])
            == 0
        )
        return json.loads(capsys.readouterr().out)

    whole, mixed = figures(), figures("--mixed_lines")
    assert mixed["ser"] != whole["ser"]
    assert mixed["re"] == whole["re"]


def test_the_table_shows_every_figure_and_every_label(labelled, model_folder, capsys):
    assert main(["--labels", str(labelled / "labels.txt"), "--model", str(model_folder)]) == 0

    table = capsys.readouterr().out
    rows = ["SER, entities", "QUESTION", "ANSWER", "HEADER", "RE, gold entities", "SER as PaddleOCR"]
    for row in [*rows, "RE as PaddleOCR", "Key-value pairs, gold lines", "tiny"]:
        assert row in table
    assert "from the image" not in table


@pytest.mark.slow
def test_relations_may_come_from_a_second_model(labelled, model_folder, tmp_path, capsys):
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    network = small_network(vocab_size=tokenizer.get_vocab_size(), relation_head="biaffine", name="relating")
    relating = save_model(tmp_path / "relating", network, tokenizer)
    arguments = ["--labels", str(labelled / "labels.txt"), "--model", str(model_folder), "--json", "--quiet"]
    reports = []
    for more in ([], ["--re_model", str(relating)]):
        assert main([*arguments, *more]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    assert reports[0]["ser"] == reports[1]["ser"]
    assert reports[0]["re"] != reports[1]["re"]


def test_the_command_reads_pictures(labelled, model_folder):
    done = run(
        "--labels",
        labelled / "labels.txt",
        "--model",
        model_folder,
        "--images",
        labelled,
        "--box_geometries",
        "default,tight",
        "--json",
        "--quiet",
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures["pairs_from_image"]) == {"precision", "recall", "f1"}
    assert all(0 <= value <= 1 for value in figures["pairs_from_image"].values())
    assert list(figures["box_geometries"]) == ["default", "tight"]
    of_default = figures["box_geometries"]["default"]["strict"]
    assert {name: of_default[name] for name in figures["pairs_from_image"]} == figures["pairs_from_image"]
    assert "pages\n" not in done.stderr


@pytest.mark.parametrize(
    ("selection", "documents"),
    [
        (["--only", "^scan"], 2),
        (["--pages", "2:3"], 2),
        (["--pages", "3:"], 1),
        (["--pages", ":2", "--only", "scan"], 1),
        (["--limit", "2"], 2),
    ],
)
def test_pages_can_be_selected(labelled, model_folder, capsys, selection, documents):
    arguments = ["--labels", str(labelled / "labels.txt"), "--model", str(model_folder), "--json"]

    assert main([*arguments, *selection]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == documents


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--labels", "{labels}/nothing.txt"], "nothing.txt: no such file"),
        (["--labels", "{labels}/bad.txt"], "bad.txt:2"),
        (["--model", "{labels}"], "no config.json"),
        (["--model", "{broken}"], "model.safetensors"),
        (["--images", "{labels}/nowhere"], "no such folder"),
        (["--images", "{broken}"], "3 pictures are missing, first form.png"),
        (["--only", "("], "not a regular expression"),
        (["--only", "nothing"], "none of its 3 pages"),
        (["--pages", "5"], "not FROM:TO"),
        (["--pages", "0:4"], "not FROM:TO"),
        (["--pages", "3:2"], "not FROM:TO"),
        (["--box_geometries", "default,round"], "'round' is none of default, tight"),
        (["--limit", "0"], "not a number above 0"),
        (["--batch_tokens", "-3"], "not a number above 0"),
        (["--limt", "3"], "--limt"),
        (["--device", "gpu"], "invalid choice"),
    ],
)
def test_mistakes_end_with_one_line_and_exit_code_2(
    labelled, model_folder, tmp_path, capsys, arguments, says
):
    first = (labelled / "labels.txt").read_text("utf-8").splitlines()[0]
    (labelled / "bad.txt").write_text(f"{first}\nform.png\t[not json\n", "utf-8")
    (tmp_path / "config.json").write_bytes((model_folder / "config.json").read_bytes())
    given = [argument.format(labels=labelled, broken=tmp_path) for argument in arguments]
    standard = ["--labels", str(labelled / "labels.txt"), "--model", str(model_folder)]

    assert main([*standard, *given]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert says in output.err
    assert output.err.count("\n") == 1


def test_a_model_of_pictures_asks_for_the_pictures(labelled, model_folder, monkeypatch, capsys):
    model = KieModel.load(model_folder, device="cpu")
    model.pictures = "hf"
    monkeypatch.setattr(KieModel, "load", lambda *_, **__: model)

    assert main(["--labels", str(labelled / "labels.txt"), "--model", str(model_folder)]) == 2
    assert "give their folder with --images" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not BUNDLED.is_file(), reason="model_store/bundled holds no model")
def test_the_bundled_model_is_measured_on_held_out_pages(shared_data):
    folder = shared_data / "xfund_zh_train"
    done = run(
        "--labels", folder / "train.json", "--model", "bundled", "--images", folder / "image",
        "--pages", "121:123", "--json",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["documents"] == 3
    assert figures["ser"]["f1"] > 0.6
    assert figures["re"]["f1"] > 0.6
    assert figures["pairs_gold_lines"]["f1"] > 0.4
    assert figures["pairs_from_image"]["f1"] > 0.2
