"""The walk-through of docs/training.md works: its settings and its commands, with few pages and steps."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from beam_kie.labelled.formats import read_labels
from model_store import BUNDLED

ROOT = Path(__file__).resolve().parents[3]
(SECTION,) = re.findall(
    r"^## Walk-through: from a run to a better model\n(.*?)(?=^## )",
    (ROOT / "docs" / "training.md").read_text(),
    re.S | re.M,
)
PARTS = ("beam_kie", "model_store", "samples", "transforms", "run_pipeline.py")


@pytest.fixture
def checkout(tmp_path):
    """A root of the project in which the commands may write."""
    for part in PARTS:
        (tmp_path / part).symlink_to(ROOT / part)
    return tmp_path


def settings(checkout, **changes):
    """Writes the section's settings where it says."""
    (place,) = set(re.findall(r"`(work/\S+settings\.json)`", SECTION))
    path = checkout / place
    (text,) = re.findall(r"```json\n(.*?)```", SECTION, re.S)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(json.loads(text) | changes))


def started_from_bundled(folder):
    """Two small steps leave words almost where they were."""
    words = "embeddings.word_embeddings.weight"
    mine, bundled = (load_file(each / "model.safetensors")[words].float() for each in (folder, BUNDLED))
    return mine.shape == bundled.shape and 0 < (mine - bundled).abs().max() < 0.01


@pytest.mark.slow
def test_the_walk_through_works(checkout):
    settings(checkout, steps=2, evaluate_every=2, batch_tokens=512)
    commands = "\n".join(re.findall(r"```bash\n(.*?)```", SECTION, re.S)).replace("--count 10", "--count 2")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=checkout,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    work = checkout / "work" / "forms"
    assert {page.name for page in read_labels(work / "labels.txt")} == {
        path.name for path in (work / "images").iterdir()
    }
    corrected = [len(page.relations()) for page in read_labels(work / "labels.txt")]
    labelled = [len(page.relations()) for page in read_labels(work / "mine" / "labels.txt")]
    assert sorted(corrected) == sorted(labelled)
    last = json.loads((work / "run" / "log.jsonl").read_text().splitlines()[-1])
    measured = [value for key, value in last.items() if key != "step"]
    assert last["step"] == 2
    assert len(measured) == 2 and all(set(each) >= {"ser", "re", "pairs"} for each in measured)
    assert done.stdout.count("2 pages, model") == 2 and "from the image" in done.stdout
    assert started_from_bundled(work / "run" / "model")
    assert "labels: QUESTION, ANSWER, HEADER" in done.stderr
    assert "before and after, other forms (generated): ser" in done.stdout
    assert "ECE before" in done.stdout
    config = json.loads((work / "run" / "model" / "config.json").read_text())
    assert config["strip_channels"] == [16, 32, 64]  # it goes on looking at the lines
    assert "Non-commercial" in (work / "run" / "model" / "model_card.md").read_text()
    documents = pq.read_table(work / "out" / "documents" / "run_id=after").to_pylist()
    pairs = pq.read_table(work / "out" / "key_values" / "run_id=after").to_pylist()
    assert [(row["status"], row["model"]) for row in documents] == [("SUCCESS", config["name"])] * 2
    first = min(pair["uri"] for pair in pairs)  # the first rows are shown, and long values cut
    short = [
        pair["value_text"] for pair in pairs if pair["uri"] == first and len(pair["value_text"] or "") < 40
    ]
    assert any(value and value in done.stdout for value in short)
