"""A run end to end: it learns, can be interrupted, and writes a model that loads."""

import dataclasses
import json
import random
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from beam_kie.document import PageText, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, write_paddleocr
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training import loop
from beam_kie.training.__main__ import main
from beam_kie.training.data.pages import PageSource
from beam_kie.training.data.vocabulary import train_tokenizer
from beam_kie.training.loop import Trainer
from beam_kie.training.planning.plan import make_plan
from beam_kie.training.settings import Settings
from tests.small_networks import OWN_LABELS, save_model, small_network

TOKENIZER = train_tokenizer(["shipper page kg 0123456789"] * 10, vocab_size=60)


def page(number):
    top = 100 + 10 * (number % 7)
    key = LabelledEntry(0, "shipper", "SHIPPER", box_polygon((100, top, 200, top + 20)), ((0, 1),))
    value = LabelledEntry(1, f"{number} kg", "WEIGHT", box_polygon((220, top, 300, top + 20)), ((0, 1),))
    other = LabelledEntry(2, "page", "OTHER", box_polygon((100, 800, 200, 820)))
    return LabelledPage(f"p{number}.jpg", 1000, 1000, (key, value, other))


@pytest.fixture
def config(tmp_path):
    write_paddleocr(tmp_path / "labels.txt", [page(number) for number in range(24)])
    values = {
        "output": "run",
        "sources": [{"labels": "labels.txt", "holdout": "p2[0-3]"}],
        "network": OWN_LABELS,
        "steps": 80,
        "batch_tokens": 128,
        "learning_rate": 5e-3,
        "warmup_steps": 5,
        "evaluate_every": 80,
        "average_decay": 0.9,
        "views": [1, 1, 1],
        "threads": 1,
    }
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(values))
    return path


def trainer(path, **changes):
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(values))
    plan = make_plan(Settings.load(path), TOKENIZER)
    return Trainer(plan, PageSource(plan), device="cpu")


def test_the_command_learns_labels_of_ones_own(config):
    assert main(["--config", str(config), "--device", "cpu"]) == 0
    log = [json.loads(line) for line in (config.parent / "run" / "log.jsonl").read_text().splitlines()]
    (last,) = [value for key, value in log[-1].items() if key != "step"]
    assert last["ser"] > 0.9 and last["re"] > 0.9
    assert (config.parent / "run" / "curves.png").is_file() == (find_spec("matplotlib") is not None)
    model = KieModel.load(config.parent / "run" / "model", device="cpu", dtype="float32")
    lines = (
        TextLine("shipper", box_polygon((100, 100, 200, 120))),
        TextLine("7 kg", box_polygon((220, 100, 300, 120))),
    )
    (result,) = model.predict([PageText("d", "u", 1, 1000, 1000, lines=lines)])
    assert [entity.label for entity in result.entities] == ["SHIPPER", "WEIGHT"]
    assert [(r.head, r.tail) for r in result.relations] == [(0, 1)]


def looking_page(folder, number):
    """Keys are solid, values are striped; text and place are the same."""
    rng = random.Random(number)
    pixels = np.full((400, 400), 255, np.uint8)
    entries = []
    for row in range(6):
        label, x, y = rng.choice(("SHIPPER", "WEIGHT")), rng.randrange(20, 220), 20 + 60 * row
        pixels[y : y + 20, x : x + 100 : 1 if label == "SHIPPER" else 6] = 0
        polygon = box_polygon((x, y, x + 100, y + 20))
        entries.append(LabelledEntry(row, "page page", label, polygon))
    Image.fromarray(pixels).save(folder / f"p{number}.png")
    return LabelledPage(f"p{number}.png", 400, 400, tuple(entries))


@pytest.mark.parametrize("images", [None, "."])
def test_what_only_pixels_show_is_learned_from_them(config, images):
    folder = config.parent
    write_paddleocr(folder / "labels.txt", [looking_page(folder, number) for number in range(24)])
    source = {"labels": "labels.txt", "images": images, "holdout": "p2[0-3]"}
    with_pictures = trainer(
        config,
        sources=[source],
        network={**OWN_LABELS, "strip_channels": [4, 8, 8]},
        augmentation={"strip_drop": 0.0, "merged_pages": 0.0},
        views=[1, 0, 0],
        steps=120,
        learning_rate=3e-3,
    )
    report = with_pictures.run()[f"{folder.name}/labels"]
    assert report["ser"] > 0.9 if images else report["ser"] < 0.7


def ruled_page(folder, number):
    """Keys stand in a ruled cell, values do not; text and place are the same."""
    rng = random.Random(number)
    pixels = np.full((400, 400), 255, np.uint8)
    entries = []
    for row in range(6):
        label, x, y = rng.choice(("SHIPPER", "WEIGHT")), rng.randrange(20, 220), 20 + 60 * row
        if label == "SHIPPER":
            pixels[y - 8 : y + 30, x - 10 : x + 112] = 0
            pixels[y - 6 : y + 28, x - 8 : x + 110] = 255
        entries.append(LabelledEntry(row, "page page", label, box_polygon((x, y, x + 100, y + 20))))
    Image.fromarray(pixels).save(folder / f"p{number}.png")
    return LabelledPage(f"p{number}.png", 400, 400, tuple(entries))


@pytest.mark.parametrize("token_layout", [False, True])
def test_what_only_ruled_cells_show_is_learned_from_them(config, token_layout):
    folder = config.parent
    write_paddleocr(folder / "labels.txt", [ruled_page(folder, number) for number in range(24)])
    with_cells = trainer(
        config,
        sources=[{"labels": "labels.txt", "images": ".", "holdout": "p2[0-3]"}],
        network={**OWN_LABELS, "strip_channels": [4, 8, 8], "spatial_bias": "lines"}
        | {"token_layout": token_layout},
        augmentation={"strip_drop": 1.0, "merged_pages": 0.0, "cell_drop": 0.0},
        views=[1, 0, 0],
        steps=60,
        rates={"layout": 5.0},
    )
    report = with_cells.run()[f"{folder.name}/labels"]
    assert report["ser"] > 0.9 if token_layout else report["ser"] < 0.7


class Interruption(dict):
    """Held-out pages whose measuring is cut off."""

    def items(self):
        raise KeyboardInterrupt


def test_interrupted_run_resumes_exactly(config):
    folder = config.parent
    trainer(config, output="whole", steps=6, evaluate_every=3).run()
    cut = trainer(config, output="cut", checkpoint_minutes=0)
    cut.source.held_out = Interruption()
    with pytest.raises(KeyboardInterrupt):  # at step 3, after the checkpoint of step 2
        cut.run()
    assert not (folder / "cut" / "model").exists()
    trainer(config, output="cut", checkpoint_minutes=3).run()
    whole, resumed = (load_file(folder / name / "model" / "model.safetensors") for name in ("whole", "cut"))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    log = (folder / "cut" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [3, 6]


def test_a_resumed_run_takes_up_the_vocabulary_that_it_has_learned(config, monkeypatch):
    short = {"steps": 4, "warmup_steps": 1, "evaluate_every": 2, "checkpoint_minutes": 0}
    values = json.loads(config.read_text()) | short
    learned = []

    def run(output):
        config.write_text(json.dumps({**values, "output": output}))
        assert main(["--config", str(config), "--device", "cpu"]) == 0

    def learning(*arguments):
        learned.append(arguments)
        return TOKENIZER  # of which learning again would change the last digits

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("beam_kie.training.data.vocabulary.train_tokenizer", learning)
    run("whole")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "measure", killed)  # at step 2, after the checkpoint of step 1
        with pytest.raises(KeyboardInterrupt):
            run("cut")
    assert len(learned) == 2
    run("cut")
    assert len(learned) == 2
    for name in ("model.safetensors", "tokenizer.json"):
        whole, resumed = (config.parent / output / "model" / name for output in ("whole", "cut"))
        assert whole.read_bytes() == resumed.read_bytes()

    make_plan(Settings.load(config))
    assert len(learned) == 2
    write_paddleocr(config.parent / "labels.txt", [page(number) for number in range(25)])
    make_plan(Settings.load(config))
    assert len(learned) == 3, "other texts"
    make_plan(dataclasses.replace(Settings.load(config), vocabulary_size=110))
    assert len(learned) == 4


def test_weights_of_another_size_are_no_start(config, capsys):
    save_model(config.parent / "other", small_network())
    values = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps({**values, "start_from": "other", "network": {"intermediate_size": 96}}))
    assert main(["--config", str(config)]) == 2
    assert "start_from: of" in capsys.readouterr().err


def of_nothing(entry):
    return dataclasses.replace(entry, label="OTHER", links=())


def test_student_learns_from_its_teacher_what_its_labels_lack(config):
    trainer(config, output="teacher").run()
    labelled = [page(number) for number in range(24)]
    untold = [dataclasses.replace(each, entries=tuple(map(of_nothing, each.entries))) for each in labelled]
    write_paddleocr(config.parent / "labels.txt", untold[:20] + labelled[20:])
    found = []
    for weight in (0.0, 1.0):
        student = trainer(config, output=f"student{weight}", teacher="teacher/model", teacher_weight=weight)
        found.append(student.run()[f"{config.parent.name}/labels"]["ser"])
    assert found[0] < 0.1 and found[1] > 0.9


def test_a_teacher_must_be_a_model_of_the_same_kind(config, capsys):
    assert main(["--config", str(config), "--device", "cpu"]) == 0
    values = json.loads(config.read_text("utf-8"))
    tokenizer = "run/model/tokenizer.json"
    for teacher, network, says in (
        ("nowhere", OWN_LABELS, "nowhere"),
        ("run/model", {**OWN_LABELS, "labels": ["SHIPPER", "TO"], "tail_labels": ["TO"]}, "other labels"),
    ):
        changed = {**values, "network": network, "tokenizer": tokenizer, "teacher": teacher, "output": "next"}
        config.write_text(json.dumps(changed))
        assert main(["--config", str(config)]) == 2
        assert says in capsys.readouterr().err


def test_without_better_measurements_training_stops_and_the_best_model_stays(config, monkeypatch):
    run = trainer(config, steps=80, evaluate_every=10, patience=2)
    scores = iter([0.5, 0.9, 0.8, 0.7, 1.0])
    saved = []
    monkeypatch.setattr(run, "measure", lambda: {"pages": {"pairs": next(scores)}})
    monkeypatch.setattr(
        loop, "export", lambda *_: (run.output / "model").mkdir(exist_ok=True) or saved.append(run.step)
    )
    monkeypatch.setattr(
        run.provenance.__class__, "write", lambda *_: (run.output / "model" / "model.safetensors").touch()
    )
    run.run()
    assert (run.step, saved) == (40, [10, 20])


def test_patience_needs_held_out_pages(config, capsys):
    values = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps({**values, "patience": 2, "sources": [{"labels": "labels.txt"}]}))
    assert main(["--config", str(config)]) == 2
    assert "patience needs pages to measure on" in capsys.readouterr().err
