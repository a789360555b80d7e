"""What docs/training.md says to those who come from PaddleOCR and transformers works as it is written."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from PIL import Image

from beam_kie.labelled.formats import write_paddleocr
from beam_kie.training.__main__ import main as train
from beam_kie.training.settings import Settings
from model_store.cli import main as models
from tests.beam_kie.training.test_published import HUGGING_FACE, labelled
from tests.model_store.test_paddle_settings import paddle_config
from tests.small_networks import REFERENCE, SENTENCEPIECE_FILE_OF_TESTS, save_published, small_network

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "training.md").read_text()
SMALL = {
    "hidden_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
    "coordinate_size": 8, "shape_size": 8,
}  # fmt: skip


def command(beginning):
    (found,) = set(re.findall(rf"{re.escape(beginning)}[^`\n]*", TEXT))
    return shlex.split(found)[3:]


@pytest.mark.parametrize("task", ["Ser", "Re"])
def test_a_configuration_of_paddleocr_trains_and_is_exported(tmp_path, monkeypatch, task):
    data = tmp_path / "PaddleOCR" / "data"
    data.mkdir(parents=True)
    (data / "images").mkdir()
    (data / "classes.txt").write_text("OTHER\nQUESTION\nANSWER\nHEADER\n")
    for name, numbers in (("train", range(6)), ("val", range(6, 8))):
        pages = [labelled(number) for number in numbers]
        write_paddleocr(data / f"{name}.txt", pages)
        for page in pages:
            Image.new("1", (page.width_px, page.height_px), 1).save(data / "images" / page.name)
    (tmp_path / "ser_layoutxlm_xfund_zh.yml").write_text(yaml.safe_dump(paddle_config(task)))
    monkeypatch.chdir(tmp_path)

    assert models(command("python -m model_store import-config ser_layoutxlm")) == 0
    values = json.loads(Path("settings.json").read_text())
    values["network"] |= SMALL
    changes = {
        "tokenizer": str(REFERENCE / SENTENCEPIECE_FILE_OF_TESTS),
        "steps": 2,
        "warmup_steps": 0,
        "threads": 1,
    }
    Path("settings.json").write_text(json.dumps({**values, **changes}))
    assert train(["--config", "settings.json", "--device", "cpu"]) == 0
    (report,) = [
        v
        for k, v in json.loads(Path("PaddleOCR/out/kie/log.jsonl").read_text().splitlines()[-1]).items()
        if k != "step"
    ]
    assert set(report) == ({"ser"} if task == "Ser" else {"re"})
    assert models(["export", "PaddleOCR/out/kie/model", "exported", "--format", "huggingface"]) == 0


def test_the_folder_of_a_run_is_exported_for_transformers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_published(tmp_path / "runs" / "layoutxlm" / "model", small_network(**HUGGING_FACE))
    assert models(command("python -m model_store export runs/layoutxlm/model exported")) == 0
    transformers = pytest.importorskip("transformers")
    config = transformers.AutoConfig.from_pretrained(tmp_path / "exported")
    assert (config.model_type, config.hidden_size, len(config.id2label)) == ("layoutlmv2", 48, 7)


def test_the_settings_that_are_named_are_there():
    for section in ("For those who come from PaddleOCR", "For those who come from `transformers`"):
        (part,) = re.findall(rf"^### {re.escape(section)}\n(.*?)(?=^##)", TEXT, re.S | re.M)
        rows = [row.rsplit("|", 2)[1] for row in part.splitlines() if row.startswith("| ")]
        names = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
        assert names <= {*Settings.__dataclass_fields__, "holdout"} and len(names) > 3
