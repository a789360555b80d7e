"""LayoutXLM-base at its full size, with random weights: the job runs with it, and fits into memory."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sentencepiece
import torch
from safetensors.torch import save_file

from beam_kie.labelled.formats import read_labels
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from transforms.runs.paths import TABLES

ROOT = Path(__file__).resolve().parent.parent
PADDLEOCR = {"use_visual_backbone": True, "image_normalisation": "paddleocr", "decoding": "line_vote"}
RELATING = {
    "token_classifier": False,
    "relation_head": "biaffine",
    "relation_labels": ("HEADER", "QUESTION", "ANSWER"),
}
GIGABYTE = 2**30

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory) -> Path:
    """A sentencepiece model of XLM-R's kind; the network has room for many more words."""
    folder = tmp_path_factory.mktemp("vocabulary")
    texts = [entry.text for page in read_labels(ROOT / "samples" / "labels.txt") for entry in page.entries]
    (folder / "text.txt").write_text("\n".join(texts), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"),
        model_prefix=str(folder / "small"),
        vocab_size=1000,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return folder / "small.model"


@pytest.fixture(scope="module")
def models(vocabulary, tmp_path_factory):
    """An SER and an RE checkpoint as PaddleOCR's are: 1.5 GB each, removed at the end."""
    folder = tmp_path_factory.mktemp("full-size")
    made = [
        full_size(folder / "ser", vocabulary, seed=1, name="full-ser"),
        full_size(folder / "re", vocabulary, seed=2, name="full-re", **RELATING),
    ]
    yield made
    shutil.rmtree(folder)


def full_size(folder, vocabulary, seed, **changes) -> Path:
    torch.manual_seed(seed)
    network = LayoutXLM(LayoutXLMConfig.from_fields(**PADDLEOCR, **changes))
    with torch.no_grad():
        if network.classifier is not None:
            network.classifier.bias[0] = -10  # no line is outside every entity
        else:
            network.extractor.rel_classifier.linear.bias[1] = 1
    folder.mkdir()
    network.config.save(folder / "config.json")
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    shutil.copyfile(vocabulary, folder / "sentencepiece.bpe.model")
    return folder


def run(*command):
    return subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True)


def test_the_job_runs_with_two_full_size_checkpoints(models, tmp_path):
    ser, re = models
    scans = [ROOT / "samples" / name for name in ("broken.jpg", "de_tax.pdf", "en_invoice.jpg")]
    flags = ["--output", tmp_path / "out", "--run_id", "full", "--overlays", "none"]
    done = run("run_pipeline.py", "--input", *scans, "--ser_model", ser, "--re_model", re, *flags)
    assert done.returncode == 0, done.stderr

    summary = json.loads((tmp_path / "out" / "runs" / "run_id=full" / "summary.json").read_text("utf-8"))
    assert summary["documents"]["failure"] == 1  # broken.jpg
    assert summary["documents"]["success"] == len(scans) - 1
    assert summary["found"]["entities"] > 50
    for table in TABLES:
        assert list((tmp_path / "out" / table / "run_id=full").glob("*.parquet")), table
    assert "full-ser+full-re" in json.dumps(summary)


def test_both_checkpoints_fit_into_three_gigabytes(models):
    ser, re = models
    program = (
        "import re; from beam_kie.layoutxlm.pair import load_kie;"
        f"model = load_kie({str(ser)!r}, {str(re)!r}, device='cpu');"
        # Not ru_maxrss: a process inherits that from the one that started it.
        "kb = re.search('VmHWM:\\\\s+(\\\\d+)', open('/proc/self/status').read())[1];"
        "print(int(kb) * 1024, model.size_bytes)"
    )
    done = run("-c", program)
    assert done.returncode == 0, done.stderr
    peak, size = map(int, done.stdout.split())
    assert peak < 3 * GIGABYTE
    assert size > 1.5 * GIGABYTE  # what the two would take if word embeddings were read as a whole
