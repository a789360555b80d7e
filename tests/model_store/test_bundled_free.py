"""The model for commercial use, as it comes with the project."""

from pathlib import Path

import pytest

import model_store
from beam_kie.evaluation.measure import evaluate
from beam_kie.labelled.formats import read_labels
from beam_kie.labelled.gold import gold_pages
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.reports.provenance import read
from model_store.cli import main

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
# Of data that forbids commercial use, or whose licence extends to what is made of it.
FORBIDDEN = ("xfund", "funsd", "non-commercial", "noncommercial", "cc by-nc", "by-sa")


@pytest.fixture(scope="module")
def folder():
    return model_store.resolve("bundled-free")


def test_nothing_that_it_was_made_of_binds_its_weights(folder):
    made_of = read(folder)
    assert made_of and made_of.data and not made_of.licences and not made_of.own
    named = " ".join(each.text for each in made_of.data).lower()
    assert not any(word in named for word in FORBIDDEN)


def test_its_card_states_the_licence_and_the_notices_of_the_text_encoders(folder):
    card = (folder / "model_card.md").read_text("utf-8")
    licence = card.partition("## Licence")[2].partition("\n## ")[0]
    assert "Apache-2.0" in licence and not any(word in licence.lower() for word in FORBIDDEN)
    for notice in ("multilingual-e5-small", "MIT", "Universal Sentence Encoder"):
        assert notice in card


def test_it_verifies(capsys):
    assert main(["verify", "bundled-free"]) == 0
    assert "good" in capsys.readouterr().out


def test_it_finds_the_pairs_of_the_samples(folder):
    model = KieModel.load(folder, device="cpu")
    pages = gold_pages(
        [page for page in read_labels(SAMPLES / "labels.txt", SAMPLES) if "page=" not in page.name]
    )
    found = evaluate(model, pages)
    # Generated forms, as those that it learned from: lower figures mean that weights and code do not fit.
    assert found.ser.f1 > 0.85 and found.pairs_gold_lines.f1 > 0.7
