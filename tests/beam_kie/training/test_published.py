"""Fine-tuning of networks with a published vocabulary: from imported folders and from random weights."""

import json

import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, write_paddleocr
from beam_kie.labelled.gold import gold_pages
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.training.__main__ import main
from beam_kie.training.data.pages import PageSource
from beam_kie.training.loop import Trainer
from beam_kie.training.planning.plan import make_plan, network_config
from beam_kie.training.settings import Settings
from tests.small_networks import (
    PUBLISHED_KIND,
    REFERENCE,
    SENTENCEPIECE_KIND,
    VISUAL_KIND,
    save_published,
    small_network,
)

PADDLEOCR = {**SENTENCEPIECE_KIND, "decoding": "line_vote", "image_normalisation": "paddleocr"}
VI = {**PADDLEOCR, **PUBLISHED_KIND}
# PyTorch's own kernels for convolutions crash on the way back of a backbone with fewer channels.
VISUAL = {**VISUAL_KIND, "visual_groups": 4, "visual_stem_channels": 8, "visual_res2_channels": 16}
HUGGING_FACE = {**SENTENCEPIECE_KIND, **VISUAL, "special_tokens": "hf"}
WORDS = ("shipper", "consignee", "weight", "port")


def labelled(number):
    """Keys on the left, values on the right, and a line that is neither."""
    entries = [LabelledEntry(9, "page", "OTHER", box_polygon((100, 900, 200, 920)))]
    for row, word in enumerate(WORDS):
        top, key, value = 100 + 60 * row + 7 * number, 2 * row, 2 * row + 1
        link = ((key, value),)
        entries.append(LabelledEntry(key, word, "QUESTION", box_polygon((100, top, 250, top + 20)), link))
        text = f"{17 * number + 3 * row} kg"
        entries.append(LabelledEntry(value, text, "ANSWER", box_polygon((300, top, 450, top + 20)), link))
    return LabelledPage(f"p{number}.png", 1000, 1000, tuple(entries))


@pytest.fixture
def settings_file(tmp_path):
    """Settings for eight pages, two of them held out, that begin from the folder ``start``."""
    pages = [labelled(number) for number in range(8)]
    write_paddleocr(tmp_path / "labels.txt", pages)
    (tmp_path / "images").mkdir()
    for page in pages:
        picture = Image.new("RGB", (page.width_px, page.height_px), "white")
        for entry in page.entries:
            ImageDraw.Draw(picture).rectangle((*entry.polygon[:2], *entry.polygon[4:6]), fill="black")
        picture.save(tmp_path / "images" / page.name)

    def write(**changes):
        values = {
            "output": "run",
            "start_from": "start",
            "sources": [{"labels": "labels.txt", "images": "images", "holdout": "p[67]"}],
            "steps": 4,
            "batch_tokens": 256,
            "learning_rate": 1e-3,
            "warmup_steps": 0,
            "precision": "float32",
            "threads": 1,
            **changes,
        }
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))
        return path

    return write


def trainer(path):
    plan = make_plan(Settings.load(path))
    return Trainer(plan, PageSource(plan), device="cpu")


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", [VI, HUGGING_FACE, {**PADDLEOCR, **VISUAL}], ids=["vi", "hf", "paddle"])
def test_imported_folders_are_fine_tuned_and_read_as_before(settings_file, tmp_path, kind):
    save_published(tmp_path / "start", small_network(**kind))
    assert main(["--config", str(settings_file()), "--device", "cpu"]) == 0
    made, start = tmp_path / "run" / "model", tmp_path / "start"
    old, new = (json.loads((folder / "config.json").read_text()) for folder in (start, made))
    assert new.pop("name") == "run" and old.pop("name") == "small"
    assert new == old
    assert (made / "sentencepiece.bpe.model").read_bytes() == (start / "sentencepiece.bpe.model").read_bytes()
    before, after = (load_file(folder / "model.safetensors") for folder in (start, made))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    frozen = {name for name in before if ".norm." in name}  # of the visual backbone
    assert not changed & frozen and bool(frozen) == kind.get("use_visual_backbone", False)
    assert {"classifier.weight", "extractor.entity_emb.weight"} <= changed
    assert any(name.startswith("visual.backbone.") for name in changed) == bool(frozen)
    assert {"ser", "re", "pairs"} <= set(log_of(tmp_path / "run")[-1][f"{tmp_path.name}/labels"])


@pytest.mark.parametrize("tasks", [["entities"], ["relations"], ["entities", "relations"]])
def test_one_task_or_both_begin_from_a_network_without_heads(settings_file, tmp_path, tasks):
    headless = {**VI, "relation_head": "none", "relation_labels": (), "token_classifier": False}
    save_published(tmp_path / "start", small_network(**headless))
    found = trainer(settings_file(tasks=tasks, steps=1))
    assert (found.network.classifier is not None, found.network.extractor is not None) == (
        "entities" in tasks,
        "relations" in tasks,
    )
    (report,) = found.run().values()
    assert ("ser" in report, "re" in report) == ("entities" in tasks, "relations" in tasks)
    losses = found._train([found._pool_batches()[0]])
    assert (losses["tags"] > 0, losses["relations"] > 0) == ("entities" in tasks, "relations" in tasks)


def test_vi_layoutxlm_learns_the_pages_by_heart_from_random_weights(settings_file, tmp_path):
    network = {
        "hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
        "coordinate_size": 16, "shape_size": 16, "relation_size": 32, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip
    path = settings_file(
        start_from=None, base="vi-layoutxlm", network=network, steps=300, learning_rate=2e-3,
        batch_tokens=512, tokenizer=str(REFERENCE / "tiny_sentencepiece.bpe.model"),
        sources=[{"labels": "labels.txt"}],
    )  # fmt: skip
    trainer(path).run()
    losses = [line for line in log_of(tmp_path / "run") if "tags" in line][-1]
    assert losses["tags"] < 0.02 and losses["relations"] < 0.05
    model = KieModel.load(tmp_path / "run" / "model", device="cpu", dtype="float32")
    gold = gold_pages([labelled(number) for number in range(8)])
    for page, result in zip(gold, model.predict([page.page for page in gold]), strict=True):
        assert [(e.label, e.text) for e in result.entities] == [(e.label, e.text) for e in page.entities]
        assert {(r.head, r.tail) for r in result.relations} == set(page.pairs)


def weights_after(path, output):
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "output": output}))
    run = trainer(path)
    run.run()
    return load_file(path.parent / output / "model" / "model.safetensors")


def test_activation_checkpointing_changes_memory_and_no_number(settings_file, tmp_path):
    save_published(tmp_path / "start", small_network(**HUGGING_FACE))
    plain = weights_after(settings_file(), "plain")
    recomputed = weights_after(settings_file(activation_checkpointing=True), "recomputed")
    assert all(torch.equal(plain[name], recomputed[name]) for name in plain)


def test_accumulated_batches_are_one_step_of_their_mean(settings_file, tmp_path):
    save_published(tmp_path / "start", small_network(**VI, hidden_dropout_prob=0.0))
    one = trainer(settings_file(batch_tokens=128))
    batches = one._pool_batches()[:3]
    gradients = []
    for group in ([batches[0]], [batches[1]], [batches[2]], batches):
        run = trainer(settings_file(batch_tokens=128, accumulate=len(group)))
        run._update = lambda: None
        run._train(group)
        gradients.append(run.network.classifier.weight.grad)
    assert torch.allclose(gradients[3], sum(gradients[:3]) / 3, atol=1e-6)
    assert gradients[3].abs().max() > 1e-3


def test_a_run_with_pictures_and_accumulation_resumes_exactly(settings_file, tmp_path, monkeypatch):
    save_published(tmp_path / "start", small_network(**HUGGING_FACE))
    changes = {
        "steps": 6,
        "accumulate": 2,
        "evaluate_every": 6,
        "checkpoint_minutes": 0,
        "average_decay": 0.9,
    }
    whole = weights_after(settings_file(**changes), "whole")
    cut = trainer(settings_file(**changes, output="cut"))
    original, done = cut._train, []

    def stopped(batches):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return original(batches)

    monkeypatch.setattr(cut, "_train", stopped)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    resumed = weights_after(settings_file(**changes, output="cut"), "cut")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_parts_learn_at_their_own_rates_or_not_at_all(settings_file, tmp_path):
    save_published(tmp_path / "start", small_network(**HUGGING_FACE))
    run = trainer(settings_file(layer_decay=0.5, rates={"words": 0, "visual": 0.1, "heads": 10}))
    rates = {
        id(value): group["initial_lr"] for group in run.optimizer.param_groups for value in group["params"]
    }
    found = {name: rates.get(id(value)) for name, value in run.network.named_parameters()}
    assert found["embeddings.word_embeddings.weight"] is None
    assert not run.network.embeddings.word_embeddings.weight.requires_grad
    assert found["classifier.weight"] == found["extractor.entity_emb.weight"] == 10
    assert found["encoder.layer.1.output.dense.weight"] == 1
    assert found["encoder.layer.0.output.dense.weight"] == 0.5
    assert found["embeddings.position_embeddings.weight"] == 0.25
    assert found["visual.backbone.fpn_output2.weight"] == pytest.approx(0.025)


def test_rows_of_known_labels_are_kept_by_their_names(settings_file, tmp_path):
    start = small_network(**VI, labels=("ANSWER", "HEADER", "QUESTION"))
    save_published(tmp_path / "start", start)
    labels = ["QUESTION", "ANSWER", "STAMP"]
    run = trainer(settings_file(network={"labels": labels}))
    old, new = start.config.tags, run.network.config.tags
    for tag in ("O", "B-QUESTION", "I-ANSWER"):
        assert torch.equal(
            run.network.classifier.weight[new.index(tag)], start.classifier.weight[old.index(tag)]
        )
    rows = start.config.relation_labels
    assert torch.equal(
        run.network.extractor.entity_emb.weight[labels.index("ANSWER")],
        start.extractor.entity_emb.weight[rows.index("ANSWER")],
    )


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        (VI, {"max_page_tokens": 600}, "a window holds 512"),
        (VI, {"text_share": 0.5, "texts": ["labels.txt"], "synthetic_share": 0.6}, "exceed 1"),
        (VI, {"precision": "float16"}, "needs a GPU"),
        (VI, {"precision": "int8"}, "precision: 'int8' is none of"),
        (VI, {"rates": {"eyes": 2}}, "rates: 'eyes'"),
        (VI, {"start_from": "nowhere"}, "nowhere: no such folder"),
        (VI, {"network": {"hidden_size": 64}}, "coordinate_size"),
        (VI, {"network": {"hiden_size": 64}}, "did you mean hidden_size"),
        (VI, {"network": {"token_classifier": False, "relation_head": "none"}}, "nothing to learn"),
        (VI, {"network": {"strip_channels": [4, 8, 8], "use_visual_backbone": True}}, "strip_channels"),
        (VI, {"tokenizer": "other.json"}, "other.json: no such file"),
        (VI, {"sources": [{"labels": "labels.txt", "holdout": "q"}]}, "finds none of the 8 pages"),
        (VI, {"sources": [{"labels": "labels.txt", "holdout": "p"}]}, "takes all 8 pages"),
        (VI, {"sources": [{"labels": "labels.txt", "holdout": "("}]}, "no regular expression"),
        (VI, {"sources": [{"labels": "labels.txt", "image": "images"}]}, "did you mean images"),
        (VI, {"sources": []}, "no labelled pages"),
        (VI, {"start_from": None, "base": "vi-layoutxlm"}, "needs tokenizer"),
        (HUGGING_FACE, {"sources": [{"labels": "labels.txt"}]}, "name their folder"),
        (HUGGING_FACE, {"synthetic_share": 0.5}, "must be 0: the network reads pictures"),
        (HUGGING_FACE, {"network": {"visual_blocks": [2, 2, 2, 2]}}, "change its size"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(settings_file, tmp_path, capsys, kind, changes, says):
    save_published(tmp_path / "start", small_network(**kind))
    assert main(["--config", str(settings_file(**changes)), "--device", "cpu"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and says in error
    assert not (tmp_path / "run").exists()


def test_a_run_of_other_settings_is_not_gone_on_with(settings_file, tmp_path, capsys):
    save_published(tmp_path / "start", small_network(**VI))
    assert main(["--config", str(settings_file()), "--device", "cpu"]) == 0
    assert main(["--config", str(settings_file(rates={"words": 0})), "--device", "cpu"]) == 2
    assert "holds a run of another network" in capsys.readouterr().err


def test_a_network_of_published_size_takes_what_imports_give():
    """The bases have the sizes of the published networks (369 and 278 million parameters without heads)."""
    for base, million in (("layoutxlm", 369), ("vi-layoutxlm", 278)):
        config = network_config(Settings(output="", base=base), None, [], 250002)
        with torch.device("meta"):
            network = LayoutXLM(config)
        heads = ("classifier.", "extractor.")
        count = sum(
            value.numel() for name, value in network.state_dict().items() if not name.startswith(heads)
        )
        assert count == pytest.approx(million * 1e6, rel=0.01)
