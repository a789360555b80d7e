"""Models in other formats: read back by transformers and by ONNX Runtime."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from beam_kie.layoutxlm.checkpoints import load_network
from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.inputs.cells import CellRelation
from beam_kie.layoutxlm.inputs.layout import COLUMNS
from model_store import BUNDLED
from model_store.cli import main
from model_store.exporting import export_model
from model_store.importing import ImportOptions, import_model
from tests.small_networks import (
    BIASED_KIND,
    BUNDLED_KIND,
    LAYOUT_KIND,
    PUBLISHED_KIND,
    VISUAL_KIND,
    save_model,
    small_network,
)

TOLERANCE = 1e-4
TAGS = "O,B-QUESTION,I-QUESTION,B-ANSWER,I-ANSWER,B-HEADER,I-HEADER"


def inputs(seed, windows=3, lines=4, tokens=11, words=60):
    """Windows of other sizes than those that graphs were made with."""
    random = np.random.default_rng(seed)
    corners = np.sort(random.integers(0, 1000, (windows, lines, 2, 2)), axis=-2).reshape(windows, lines, 4)
    mask = np.ones((windows, tokens), dtype=bool)
    mask[1, tokens - 3 :] = False
    return {
        "ids": random.integers(3, words, (windows, tokens)),
        "positions": np.tile(np.arange(tokens), (windows, 1)),
        "lines": np.sort(random.integers(0, lines, (windows, tokens))),
        "mask": mask,
        "line_boxes": corners,
    }


def batch_of(arrays, **more):
    values = {name: torch.from_numpy(value) for name, value in arrays.items()}
    seen = torch.ones(values["line_boxes"].shape[:2], dtype=torch.bool)
    return Batch(**values, line_mask=seen, **more)


def session(folder, name):
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])


def near(found, wanted):
    return found.shape == tuple(wanted.shape) and np.abs(found - wanted.numpy()).max() < TOLERANCE


@pytest.mark.parametrize(
    "kind", [BUNDLED_KIND, LAYOUT_KIND, PUBLISHED_KIND, BIASED_KIND, VISUAL_KIND, "bundled"], ids=str
)
@torch.no_grad()
def test_onnx_graphs_compute_what_the_network_does_at_any_size(tmp_path, kind):
    pytest.importorskip("onnx")
    folder = BUNDLED if kind == "bundled" else save_model(tmp_path / "model", small_network(**kind))
    export_model(folder, tmp_path / "made", "onnx")
    network = load_network(folder).float().eval()
    hidden = network.config.architecture.hidden_size
    extra, more = {}, {}
    if network.visual is not None:
        images = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
        more["visual"] = network.visual_states(torch.from_numpy(images))
        (extra["visual"],) = session(tmp_path / "made", "visual").run(None, {"images": images})
        assert near(extra["visual"], more["visual"])
    elif network.strips is not None:
        extra["line_features"] = np.random.default_rng(1).normal(size=(3, 11, hidden)).astype(np.float32)
        more["line_features"] = torch.from_numpy(extra["line_features"])
    if network.config.architecture.token_layout:
        random = np.random.default_rng(2)
        extra["layout"] = random.integers(0, 32, (3, 11, 2 + len(COLUMNS)))
        extra["cell_relations"] = random.integers(0, len(CellRelation), (3, 4, 4))
        more |= {name: torch.from_numpy(extra[name]) for name in ("layout", "cell_relations")}
    arrays = inputs(2)
    batch = batch_of(arrays, **more)
    states = network.encode(batch)
    found = session(tmp_path / "made", "model").run(["states", "tags"], {**arrays, **extra})
    assert near(found[0], states) and near(found[1], network.classify(states, batch))
    for name, head in (("relations", network.relation_head), ("grouping", network.grouping)):
        if head is None:
            continue
        ends = {
            "vectors": np.random.default_rng(3).normal(size=(7, hidden)).astype(np.float32),
            "labels": np.arange(7) % 3,
            "boxes": arrays["line_boxes"][0][np.arange(7) % 4],
            "heads": np.array([0, 3, 5]),
            "tails": np.array([1, 2]),
            "cell_relations": np.array([[3, 4, 0], [8, 1, 2]]),
        }
        wanted = head(*(torch.from_numpy(value) for value in ends.values()))
        graph = session(tmp_path / "made", name)
        asked = {each.name for each in graph.get_inputs()}
        (scores,) = graph.run(None, {key: value for key, value in ends.items() if key in asked})
        assert near(scores, wanted)
    assert (tmp_path / "made" / "config.json").is_file() and (tmp_path / "made" / "tokenizer.json").is_file()


@pytest.fixture
def without_detectron(monkeypatch):
    """transformers' model asks for detectron2; its backbone is replaced by one with the same names."""
    pytest.importorskip("transformers")
    from transformers.models.layoutlmv2 import modeling_layoutlmv2 as theirs

    from beam_kie.layoutxlm.network.visual import Pyramid
    from tests.small_networks import small_config

    class Backbone(torch.nn.Module):
        def __init__(self, config):
            super().__init__()
            self.backbone = Pyramid(small_config(**VISUAL_KIND))

        def forward(self, images):
            return self.backbone(images.tensor if hasattr(images, "tensor") else images)

    class NoDetectron:
        """Stands where the package would be imported."""

        class layers:
            FrozenBatchNorm2d = type(None)

    class Marker:
        """No module is an instance of it: transformers would initialise what detectron2's has."""

        def __new__(cls, config):
            return Backbone(config)

    monkeypatch.setattr(theirs, "requires_backends", lambda *_: None)
    monkeypatch.setattr(theirs, "detectron2", NoDetectron, raising=False)
    monkeypatch.setattr(theirs, "LayoutLMv2VisualBackbone", Marker)
    return theirs.LayoutLMv2ForTokenClassification


@torch.no_grad()
def test_transformers_reads_the_folder_and_computes_the_same(tmp_path, without_detectron):
    folder = save_model(tmp_path / "model", small_network(**VISUAL_KIND, vocab_size=80))
    assert main(["export", str(folder), str(tmp_path / "made"), "--format", "huggingface"]) == 0
    theirs, info = without_detectron.from_pretrained(tmp_path / "made", output_loading_info=True)
    assert set(info["missing_keys"]) <= {"layoutlmv2.pooler.dense.weight", "layoutlmv2.pooler.dense.bias"}
    assert all(name.startswith("extractor.") for name in info["unexpected_keys"])
    assert not info["mismatched_keys"]
    network = load_network(folder).eval()
    assert [theirs.config.id2label[i] for i in range(7)] == list(network.config.tags)

    arrays = inputs(2, words=80)
    pixels = torch.rand(3, 3, 224, 224, generator=torch.manual_seed(0))
    assert network.visual is not None
    features = network.visual.backbone(pixels)
    network.visual.forward = lambda images: features  # normalisation is detectron2's part
    batch = batch_of(arrays)
    batch.visual = network.visual_states(pixels)
    boxes = batch.line_boxes.gather(1, batch.lines.unsqueeze(-1).expand(-1, -1, 4))
    theirs.eval()
    wanted = theirs(input_ids=batch.ids, bbox=boxes, image=pixels, attention_mask=batch.mask.long())
    logits = network.classify(network.encode(batch), batch)
    assert (logits - wanted.logits)[batch.mask].abs().max() < TOLERANCE


def test_exported_tensors_have_the_names_of_the_file_they_came_from(reference, tmp_path, tokenizer_file):
    source = reference / "hf_tiny_visual"
    options = ImportOptions(tokenizer=tokenizer_file, classes=TAGS)
    export_model(import_model(source, tmp_path / "model", options), tmp_path / "made", "huggingface")
    before = torch.load(source / "pytorch_model.bin", weights_only=True)
    after = load_file(tmp_path / "made" / "model.safetensors")
    assert all(torch.equal(before[name], value) for name, value in after.items())
    left = {name for name in before if name not in after}
    unused = ("position_ids", "pixel_mean", "pixel_std", "num_batches_tracked")
    parts = ("pooler.", "fpn_output3", "fpn_output4", "fpn_output5")
    assert all(name.endswith(unused) or any(part in name for part in parts) for name in left)
    again = import_model(tmp_path / "made", tmp_path / "again", ImportOptions())
    old, new = (json.loads((tmp_path / name / "config.json").read_text()) for name in ("model", "again"))
    assert {**old, "name": ""} == {**new, "name": ""} and again.is_dir()


def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(tmp_path, capsys):
    bundled = str(BUNDLED)
    (tmp_path / "there").mkdir()
    made, there = str(tmp_path / "made"), str(tmp_path / "there")
    for arguments, code, says in (
        ([bundled, made, "--format", "huggingface"], 2, "LayoutLMv2 cannot express line images"),
        ([bundled, there, "--format", "onnx"], 2, "exists already"),
        ([str(tmp_path / "none"), made, "--format", "onnx"], 1, "none"),
    ):
        assert main(["export", *arguments]) == code
        (line,) = capsys.readouterr().err.splitlines()
        assert says in line
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
