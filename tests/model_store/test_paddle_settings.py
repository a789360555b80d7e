"""PaddleOCR's training configurations as settings of ours."""

import json

import pytest
import yaml
from PIL import Image

from beam_kie.training.planning.plan import make_plan
from beam_kie.training.settings import Settings
from model_store.cli import main
from tests.small_networks import REFERENCE, SENTENCEPIECE_FILE_OF_TESTS

LABELS = '[{"transcription": "%s", "label": "question", "points": [[0, 0], [9, 0], [9, 9], [0, 9]], "id": 0}]'


def paddle_config(task, **changes):
    """A configuration in the form of PaddleOCR's."""
    window = {"VQATokenPad": {"max_seq_len": 512, "return_attention_mask": True}}
    encode = {"VQATokenLabelEncode": {"contains_re": task == "Re", "class_path": "data/classes.txt"}}

    def part(split, batch):
        dataset = {"name": "SimpleDataSet", "data_dir": "data/images", "transforms": [encode, window]}
        dataset["label_file_list"] = [f"data/{split}.txt"]
        return {"dataset": dataset, "loader": {"batch_size_per_card": batch, "num_workers": 4}}

    values = {
        "Global": {"use_gpu": True, "epoch_num": 10, "save_model_dir": "./out/kie", "seed": 2022,
                   "eval_batch_step": [0, 19], "use_visualdl": False},
        "Architecture": {"model_type": "kie", "Transform": None,
                         "Backbone": {"name": f"LayoutXLMFor{task}", "pretrained": True, "mode": "vi",
                                      "checkpoints": None}},
        "Loss": {"name": "VQASerTokenLayoutLMLoss", "num_classes": 7},
        "Optimizer": {"name": "AdamW", "beta1": 0.9, "clip_norm": 10,
                      "lr": {"name": "Linear", "learning_rate": 5e-5, "epochs": 10, "warmup_epoch": 2},
                      "regularizer": {"name": "L2", "factor": 0.0}},
        "Train": part("train", 2),
        "Eval": part("val", 1),
    }  # fmt: skip
    return {**values, **changes}


@pytest.fixture
def root(tmp_path):
    """A folder of PaddleOCR's kind, with eleven pages to learn from and two to measure on."""
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "classes.txt").write_text("OTHER\nQUESTION\nANSWER\nHEADER\n")
    for name, pages in (("train", range(11)), ("val", range(11, 13))):
        lines = [f"p{number}.jpg\t{LABELS % number}\n" for number in pages]
        (tmp_path / "data" / f"{name}.txt").write_text("".join(lines))
        for number in pages:
            Image.new("L", (1000, 1000), 255).save(tmp_path / "data" / "images" / f"p{number}.jpg")
    return tmp_path


def convert(root, values, *flags):
    (root / "config.yml").write_text(yaml.safe_dump(values))
    output = root / "settings" / "mine.json"
    output.parent.mkdir(exist_ok=True)
    arguments = ["import-config", str(root / "config.yml"), "--root", str(root), "--output", str(output)]
    assert main([*arguments, *flags]) == 0
    return json.loads(output.read_text())


@pytest.mark.parametrize(("task", "tasks"), [("Ser", ["entities"]), ("Re", ["relations"])])
def test_what_has_a_meaning_here_is_taken_over(root, task, tasks):
    found = convert(root, paddle_config(task))
    assert found["tasks"] == tasks and found["base"] == "vi-layoutxlm"
    assert found["network"] == {
        "special_tokens": "none", "image_normalisation": "paddleocr", "decoding": "line_vote",
        "window_tokens": 512, "token_boxes": "line", "labels": ["QUESTION", "ANSWER", "HEADER"],
    }  # fmt: skip
    # Eleven pages, two at once: six steps an epoch.
    wanted = {"steps": 60, "warmup_steps": 12, "batch_tokens": 1024, "learning_rate": 5e-5}
    wanted |= {"schedule": "linear", "clip_norm": 10.0, "weight_decay": 0.0, "seed": 2022, "views": [1, 0, 0]}
    wanted |= {"evaluate_every": 19, "output": "../out/kie", "precision": "float32"}
    assert {name: found[name] for name in wanted} == wanted


def test_the_result_is_a_plan_that_measures_on_the_other_file(root):
    found = convert(root, paddle_config("Ser"))
    path = root / "settings" / "mine.json"
    path.write_text(json.dumps({**found, "tokenizer": str(REFERENCE / SENTENCEPIECE_FILE_OF_TESTS)}))
    plan = make_plan(Settings.load(path))
    assert [(len(each.kept), len(each.held)) for each in plan.sources] == [(11, 0), (0, 2)]
    parts = plan.config.architecture
    assert (parts.token_classifier, parts.relation_head) == (True, "none")
    assert plan.config.decoding.method == "line_vote"


def test_there_is_a_line_for_every_other_key(root, capsys):
    values = paddle_config("Ser")
    values["Global"]["moon_phase"] = "full"
    convert(root, values)
    lines = capsys.readouterr().err.splitlines()
    keys = ["Global.use_gpu", "Global.use_visualdl", "Global.moon_phase", "Loss.name", "Optimizer.beta1"]
    keys += ["Train.loader.num_workers", "Architecture.Backbone.pretrained", "Architecture.Transform"]
    for key in keys:
        (line,) = [line for line in lines if line.startswith(f"{key}:")]
        assert "has no meaning here" in line
    assert not any(line.startswith("Optimizer.lr.learning_rate") for line in lines)
    assert any("import the pretrained vi-layoutxlm" in line for line in lines)


def test_a_checkpoint_is_where_training_goes_on(root, capsys):
    values = paddle_config("Re")
    values["Architecture"]["Backbone"]["checkpoints"] = "./out/best"
    found = convert(root, values)
    assert found["start_from"] == "../out/best" and "base" not in found
    assert "model_store import ./out/best FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "YAML"),
        ("[]", "no configuration"),
        ("Architecture: {Backbone: {name: LayoutLMv3}}", "none of LayoutXLMForSer"),
        ("Architecture: {Backbone: {name: LayoutXLMForSer}}\nGlobal: {epoch_num: many}", "must be a number"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, capsys, text, says):
    (tmp_path / "config.yml").write_text(text)
    assert main(["import-config", str(tmp_path / "config.yml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
