import hashlib
import json
import os
import pickle
import shutil
import tarfile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from beam_kie.layoutxlm.checkpoints import load_network
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.published import RELATION_LABELS
from model_store import SourceError
from model_store.cli import main
from model_store.importing import ImportOptions, import_model
from tests.model_store.conftest import HUGGING_FACE_CONFIG, published_tensors
from tests.small_networks import (
    PUBLISHED_KIND,
    VISUAL_KIND,
    edit_config,
    noise_thumbnail,
    page,
    save_model,
    small_network,
)

TAGS = "O,B-QUESTION,I-QUESTION,B-ANSWER,I-ANSWER,B-HEADER,I-HEADER"


def paddle_folder(reference, folder, name, heads=4, **values):
    """A training's folder as PaddleOCR leaves it."""
    folder.mkdir(parents=True)
    shutil.copyfile(reference / f"{name}.model_state.pdparams", folder / "model_state.pdparams")
    facts = json.loads((reference / f"{name.partition('.')[0]}.json").read_text())["config"]
    nested = {"init_args": [{**facts, **values, "init_class": "LayoutXLMModel"}], "num_classes": 7}
    (folder / "model_config.json").write_text(json.dumps(nested))
    return folder


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize(
    ("name", "values", "numbers"),
    [
        ("tiny_visual.ser", {}, "tiny_visual"),
        ("tiny_vi.ser", {"use_visual_backbone": False}, "tiny_vi"),
        ("hf_tiny_visual", {}, "hf_tiny_visual/io"),
    ],
)
def test_imported_models_score_as_the_reference_does(
    reference, tmp_path, tokenizer_file, name, values, numbers
):
    hugging_face = name.startswith("hf")
    source = (
        reference / name if hugging_face else paddle_folder(reference, tmp_path / "source", name, **values)
    )
    options = ImportOptions(tokenizer=tokenizer_file, classes=TAGS)
    network = load_network(import_model(source, tmp_path / "made", options)).eval()
    arrays = np.load(reference / f"{numbers}.npz")
    prefix = "" if hugging_face else "in_"
    ids, boxes, mask = (
        torch.from_numpy(arrays[prefix + key]) for key in ("input_ids", "bbox", "attention_mask")
    )
    images = arrays["image_bgr"][:, ::-1].transpose(0, 2, 3, 1) if hugging_face else arrays["in_raw_rgb"]
    places = torch.arange(ids.shape[1]).expand_as(ids)
    real = mask.bool()
    with torch.inference_mode():
        seen = None
        if network.visual is not None:
            seen = network.visual_states(torch.from_numpy(images.copy()))
        batch = Batch(ids, places, places, real, boxes, real, visual=seen)
        found = network.classify(network.encode(batch), batch)
    wanted = torch.from_numpy(arrays["ser_logits" if hugging_face else "out_ser_logits"])
    assert (found - wanted)[real].abs().max() < 1e-4
    assert (found.argmax(-1) == wanted.argmax(-1))[real].all()


@pytest.mark.parametrize(
    ("name", "values"), [("tiny_visual", {}), ("tiny_vi", {"use_visual_backbone": False})]
)
def test_imported_models_relate_as_the_reference_does(reference, tmp_path, tokenizer_file, name, values):
    source = paddle_folder(reference, tmp_path / "source", f"{name}.re", **values)
    network = load_network(import_model(source, tmp_path / "made", ImportOptions(tokenizer_file))).eval()
    arrays = np.load(reference / f"{name}.npz")
    ids, boxes, mask = (
        torch.from_numpy(arrays[f"in_{key}"]) for key in ("input_ids", "bbox", "attention_mask")
    )
    places = torch.arange(ids.shape[1]).expand_as(ids)
    with torch.inference_mode():
        seen = (
            network.visual_states(torch.from_numpy(arrays["in_raw_rgb"]))
            if network.visual is not None
            else None
        )
        hidden = network.encode(Batch(ids, places, places, mask.bool(), boxes, mask.bool(), visual=seen))
        for document in range(len(ids)):
            entities = torch.from_numpy(arrays["in_entities"][document])
            starts, _, rows = entities[1 : entities[0, 0] + 1].T
            labels = torch.tensor([network.config.labels.index(RELATION_LABELS[row]) for row in rows])
            pairs = torch.from_numpy(arrays[f"out_re_pairs_{document}"])
            everyone = torch.arange(len(starts))
            scores = network.extractor(hidden[document, starts], labels, None, everyone, everyone)
            wanted = torch.from_numpy(arrays[f"out_re_logits_{document}"])
            found = scores[pairs[:, 1], pairs[:, 0]]
            assert (found - wanted).abs().max() < 1e-4
            assert (found.argmax(-1) == wanted.argmax(-1)).all()


def test_trained_and_exported_weights_become_the_same_model(reference, tmp_path, tokenizer_file):
    trained = paddle_folder(reference, tmp_path / "source", "tiny_visual.re")
    options = ImportOptions(tokenizer=tokenizer_file, name="one")
    first = import_model(trained, tmp_path / "trained", options)
    config = ImportOptions(tokenizer_file, config=trained / "model_config.json", name="one")
    second = import_model(reference / "infer_tiny_visual_re", tmp_path / "exported", config)
    for name in ("config.json", "model.safetensors"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_paddles_double_normalisation_is_recorded_and_hugging_faces_is_not(
    reference, tmp_path, tokenizer_file, hugging_face_folder
):
    trained = paddle_folder(reference, tmp_path / "source", "tiny_visual.ser")
    paddle = import_model(trained, tmp_path / "paddle", ImportOptions(tokenizer_file))
    config = LayoutXLMConfig.load(paddle / "config.json")
    assert (config.architecture.image_normalisation, config.tokenising.special_tokens) == (
        "paddleocr",
        "none",
    )
    config = LayoutXLMConfig.load(import_model(hugging_face_folder, tmp_path / "hf") / "config.json")
    assert (config.architecture.image_normalisation, config.tokenising.special_tokens) == ("hf", "hf")


def test_imported_model_runs(tmp_path, hugging_face_folder):
    made = import_model(hugging_face_folder, tmp_path / "made")
    assert {path.name for path in made.iterdir()} == {
        "config.json", "model.safetensors", "model_card.md", "sentencepiece.bpe.model"
    }  # fmt: skip
    assert made.stat().st_mode & 0o777 == 0o777 & ~_umask()
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o666 & ~_umask()}
    model = KieModel.load(made, device="cpu", dtype="float32")
    assert (model.name, model.labels) == ("made", ["QUESTION", "ANSWER", "HEADER"])
    [result] = model.predict([page("name 张三", "address city", picture=noise_thumbnail())])
    assert result.page.lines[0].text == "name 张三"
    assert left_behind(tmp_path) == []


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_card_says_where_it_came_from(tmp_path, hugging_face_folder):
    options = ImportOptions(licence="MIT", source="hf:someone/something@abc")
    card = (import_model(hugging_face_folder, tmp_path / "made", options) / "model_card.md").read_text()
    assert "- Source: hf:someone/something@abc\n" in card
    assert "- Licence: MIT\n" in card
    assert str(tmp_path) not in card
    for folder in (hugging_face_folder, tmp_path / "made"):
        for name in ("model.safetensors", "config.json", "sentencepiece.bpe.model"):
            assert f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" in card
    default = import_model(hugging_face_folder, tmp_path / "default") / "model_card.md"
    assert "CC BY-NC-SA 4.0" in default.read_text()


def test_archive_with_a_training_inside(reference, tmp_path, tokenizer_file):
    best = paddle_folder(reference, tmp_path / "x" / "best_accuracy", "tiny_vi.re", use_visual_backbone=False)
    shutil.copytree(best, tmp_path / "x" / "latest")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(tmp_path / "x", "x")
    made = import_model(tmp_path / "x.tar", tmp_path / "made", ImportOptions(tokenizer_file))
    config = LayoutXLMConfig.load(made / "config.json")
    assert (config.architecture.token_classifier, config.architecture.relation_head) == (False, "biaffine")
    assert "x.tar" in (made / "model_card.md").read_text()
    best.rename(tmp_path / "x" / "earlier")
    with pytest.raises(SourceError, match=r"several models \(earlier, latest\)"):
        import_model(tmp_path / "x", tmp_path / "other", ImportOptions(tokenizer_file))
    assert left_behind(tmp_path) == []


def test_own_labels(reference, tmp_path, tokenizer_file):
    source = paddle_folder(reference, tmp_path / "source", "tiny_visual.ser")
    (tmp_path / "classes.txt").write_text("OTHER\nshipper\nweight\nplace\n")
    options = ImportOptions(tokenizer_file, classes=str(tmp_path / "classes.txt"))
    config = LayoutXLMConfig.load(import_model(source, tmp_path / "made", options) / "config.json")
    assert config.labels == ("SHIPPER", "WEIGHT", "PLACE")
    with pytest.raises(SourceError, match="7 classes, but 3 are named"):
        import_model(source, tmp_path / "b", ImportOptions(tokenizer_file, classes="O,B-X,I-X"))


def test_own_format_stays_as_it_is(tmp_path):
    ours = save_model(tmp_path / "ours", small_network())
    (ours / "model_card.md").write_text("mine")
    (ours / "optimizer.bin").write_bytes(b"large")
    made = import_model(ours, tmp_path / "made")
    assert {path.name: path.read_bytes() for path in made.iterdir()} == {
        path.name: path.read_bytes() for path in ours.iterdir() if path.name != "optimizer.bin"
    }


def test_own_format_is_checked(tmp_path):
    ours = save_model(tmp_path / "ours", small_network())
    tensors = load_file(ours / "model.safetensors")
    words = "embeddings.word_embeddings.weight"
    save_file({**tensors, words: tensors[words][:20].clone()}, ours / "model.safetensors")
    edit_config(ours, vocab_size=20)
    with pytest.raises(SourceError, match=r"the tokenizer has .* ids, but the network knows 20"):
        import_model(ours, tmp_path / "made")
    ours = save_model(tmp_path / "ours", small_network())
    (ours / "tokenizer.json").write_text("{}")
    with pytest.raises(SourceError, match="cannot be read as a tokenizer"):
        import_model(ours, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def no_tokenizer(folder):
    (folder / "sentencepiece.bpe.model").unlink()


def large_tokenizer(folder):
    tensors = published_tensors(**VISUAL_KIND)
    words = "layoutlmv2.embeddings.word_embeddings.weight"
    save_file({**tensors, words: tensors[words][:20]}, folder / "model.safetensors")


def other_tokenizer(folder):
    (folder / "sentencepiece.bpe.model").write_bytes(b"no tokenizer")


def cut_weights(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-100])


def missing_tensor(folder):
    tensors = published_tensors(**VISUAL_KIND)
    del tensors["layoutlmv2.encoder.layer.1.output.dense.bias"]
    save_file(tensors, folder / "model.safetensors")


def left_over_tensor(folder):
    save_file({**published_tensors(**VISUAL_KIND), "extra": torch.ones(2)}, folder / "model.safetensors")


def no_config(folder):
    (folder / "config.json").unlink()


def changed(**values):
    def change(folder):
        (folder / "config.json").write_text(json.dumps({**HUGGING_FACE_CONFIG, **values}))

    return change


def hostile_pickle(folder):
    (folder / "model.safetensors").unlink()

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(folder / "harm"),)

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Hostile()}, 2))


def hostile_paddle(folder):
    hostile_pickle(folder)
    (folder / "pytorch_model.bin").rename(folder / "model_state.pdparams")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (no_tokenizer, "--tokenizer FILE"),
        (large_tokenizer, "the network knows 20"),
        (other_tokenizer, "cannot be read as a sentencepiece model"),
        (cut_weights, "cut off"),
        (missing_tensor, r"missing: encoder\.layer\.1\.output\.dense\.bias"),
        (left_over_tensor, "unexpected: extra"),
        (no_config, "--config FILE"),
        (changed(num_attention_heads=5), "multiple of num_attention_heads"),
        (changed(num_attention_heads="many"), "num_attention_heads must be a whole number"),
        (changed(num_attention_heads=0), "num_attention_heads must be from 1"),
        (changed(hidden_act="relu"), "only gelu"),
        (changed(id2label={"0": "O"}), "knows 3 labels, but 0 are named"),
        (changed(has_relative_attention_bias=True), r"missing: encoder\.rel_pos_bias"),
        (changed(image_feature_pool_shape=[7, 7, 99]), "of another shape"),
        (hostile_pickle, "refused"),
        (hostile_paddle, "refused"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(tmp_path, hugging_face_folder, change, message):
    change(hugging_face_folder)
    with pytest.raises(SourceError, match=message):
        import_model(hugging_face_folder, tmp_path / "made")
    assert not (tmp_path / "made").exists()
    assert not (hugging_face_folder / "harm").exists()
    assert left_behind(tmp_path) == []


def test_destinations(tmp_path, hugging_face_folder):
    (tmp_path / "there").mkdir()
    with pytest.raises(SourceError, match="exists already"):
        import_model(hugging_face_folder, tmp_path / "there")
    with pytest.raises(SourceError, match="make it first"):
        import_model(hugging_face_folder, tmp_path / "no" / "where")


@pytest.mark.parametrize("name", ["nothing", "text.txt", "empty"])
def test_sources_that_are_none(tmp_path, name):
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no such file|neither a folder|holds no weights"):
        import_model(tmp_path / name, tmp_path / "made")


def test_single_weights_file(tmp_path, tokenizer_file):
    folder = tmp_path / "source"
    folder.mkdir()
    torch.save(published_tensors(**PUBLISHED_KIND), folder / "mine.bin")
    (folder / "config.json").write_text(json.dumps(HUGGING_FACE_CONFIG))
    made = import_model(folder / "mine.bin", tmp_path / "made", ImportOptions(tokenizer_file))
    card = (made / "model_card.md").read_text()
    assert "  mine.bin\n" in card
    assert card.count("  config.json\n") == 2  # the source's and ours


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("hf_tiny_visual", None),
        ("infer_tiny_visual_re", "tiny_visual.json"),
        ("tiny_visual.ser.model_state.pdparams", "tiny_visual.json"),
        ("tiny_visual.re.model_state.pdparams", "tiny_visual.json"),
        ("tiny_vi.ser.model_state.pdparams", "tiny_vi.json"),
        ("tiny_vi.re.model_state.pdparams", "tiny_vi.json"),
    ],
)
def test_every_reference_model_is_imported_with_the_flags_that_errors_name(
    reference, tmp_path, tokenizer_file, capsys, name, config
):
    flags: list[str] = []
    missing = {
        "--classes": str(reference / "class_list_xfun.txt"),
        "--tokenizer": str(tokenizer_file),
        "--config": str(reference / config) if config else "",
    }
    while main(["import", str(reference / name), str(tmp_path / "made"), *flags]):
        error = capsys.readouterr().err
        (flag,) = [flag for flag in missing if flag in error and flag not in flags]
        flags += [flag, missing[flag]]
    model = KieModel.load(tmp_path / "made", device="cpu", dtype="float32")
    assert (model.pictures is not None) == ("visual" in name)
    parts = model.config.architecture
    assert (parts.token_classifier, parts.relation_head) == (
        (False, "biaffine") if ("_re" in name or ".re." in name) else (True, "none")
    )
    given = page("姓名", "李雷", picture=noise_thumbnail())
    assert len(model.relate([given], [[]])) == 1


def test_a_tokenizer_that_does_not_fit_is_named_with_its_flag(reference, tmp_path, capsys):
    large = ["--tokenizer", str(reference / "tiny_sentencepiece.bpe.model"), "--classes", TAGS]
    assert main(["import", str(reference / "hf_tiny_visual"), str(tmp_path / "made"), *large]) == 2
    assert "4002 ids, but the network knows 500" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()
