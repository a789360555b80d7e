"""The whole job with a model that was trained on other labels."""

import json

import pyarrow.parquet as pq
import pytest
from PIL import Image

from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, write_paddleocr
from beam_kie.training.__main__ import main as train
from tests.small_networks import OWN_LABELS
from transforms.launch.cli import main as run

KEY, VALUE = (100, 120, 200, 140), (220, 120, 300, 140)


def labelled(number):
    key = LabelledEntry(0, "shipper", "SHIPPER", box_polygon(KEY), ((0, 1),))
    value = LabelledEntry(1, f"{number} kg", "WEIGHT", box_polygon(VALUE), ((0, 1),))
    return LabelledPage(f"p{number}.jpg", 1000, 1000, (key, value))


@pytest.mark.slow
def test_own_labels_from_training_to_tables_and_pictures(tmp_path):
    write_paddleocr(tmp_path / "labels.txt", [labelled(number) for number in range(24)])
    settings = {"output": "run", "sources": [{"labels": "labels.txt"}], "network": OWN_LABELS, "threads": 1}
    settings |= {"steps": 80, "batch_tokens": 128, "learning_rate": 5e-3, "warmup_steps": 5}
    settings |= {"average_decay": 0.9, "evaluate_every": 80}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    assert train(["--config", str(tmp_path / "settings.json"), "--device", "cpu"]) == 0

    scan = tmp_path / "scan.png"
    Image.new("L", (1000, 1000), 255).save(scan)
    lines = [{"text": "shipper", "box": KEY}, {"text": "7 kg", "box": VALUE}]
    (tmp_path / "lines.jsonl").write_text(json.dumps({"uri": str(scan), "page": 1, "lines": lines}))
    out = tmp_path / "out"
    flags = ["--ocr_engine", "none", "--ocr_lines", str(tmp_path / "lines.jsonl"), "--run_id", "own"]
    model = str(tmp_path / "run" / "model")
    assert run(["--input", str(scan), "--output", str(out), "--model", model, *flags]) == 0

    (pair,) = pq.read_table(out / "key_values" / "run_id=own").to_pylist()
    assert (pair["key_text"], pair["value_text"]) == ("shipper", "7 kg")
    labels = pq.read_table(out / "entities" / "run_id=own").column("label").to_pylist()
    assert labels == ["SHIPPER", "WEIGHT"]
    assert len(list((out / "overlays").rglob("*.jpg"))) == 1
