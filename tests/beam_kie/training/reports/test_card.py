import json
import re

import pytest

from beam_kie.training.reports.card import MODEL_CARD, main
from beam_kie.training.reports.provenance import Data, Provenance
from beam_kie.training.weights.ensemble import combine
from model_store.model_card import changed_files
from tests.small_networks import (
    BUNDLED_KIND,
    STRIPS_KIND,
    edit_config,
    save_model,
    small_config,
    small_network,
)


def score(f1):
    return {"precision": f1, "recall": f1, "f1": f1}


REPORT = {
    "ser": score(0.911),
    "re": score(0.95),
    "ser_paddleocr": score(0.92),
    "re_paddleocr": score(0.94),
    "pairs_gold_lines": score(0.8),
    "pairs_from_image": None,
    "documents": 29,
}
CALIBRATION = {
    "bins": "15 of equal width",
    "groups": [
        {
            "kind": "entities",
            "lines": "OCR",
            "source": source,
            "count": 2640,
            "right": 0.75,
            "before": {"ece": 0.21},
            "after": {"ece": after},
        }
        for source, after in ((None, 0.031), ("one", 0.077))
    ],
}
SPEED = {
    "device": "cpu",
    "threads": 2,
    "lines": 69.6,
    "speed": [{"dtype": "bfloat16", "pages": 8, "ms_per_page": 41.5}],
}


@pytest.fixture
def folder(tmp_path):
    for name, value in (("zh", REPORT), ("calibration", CALIBRATION), ("speed", SPEED)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    (tmp_path / "made.md").write_text("Averaged at steps 2 and 5.\n")
    made = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    Provenance((Data("forms"),)).write(made)
    return made


def table(text):
    """The rows of all tables of a card: the first cell, and the others."""
    cells = [
        [cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines() if line[:1] == "|"
    ]
    return {first: others for first, *others in cells}


def write(folder, *flags):
    return main(["--model", str(folder), *flags])


def test_a_card_says_what_the_model_is_and_what_it_can_do(folder, capsys):
    files = folder.parent
    flags = ["--languages", "Chinese, English", "--config", "bundled.json"]
    flags += ["--scores", f"Chinese, `a=b`={files / 'zh.json'}", "--speed", str(files / "speed.json")]
    flags += ["--calibration", str(files / "calibration.json"), "--made", str(files / "made.md")]

    assert write(folder, *flags) == 0

    text = (folder / MODEL_CARD).read_text()
    assert text.startswith("# small\n")
    assert {"QUESTION", "ANSWER", "HEADER"} <= set(re.findall(r"[A-Z]{3,}", text))
    count = sum(value.numel() for value in small_network(**BUNDLED_KIND).state_dict().values())
    network = " ".join(table(text)["network"])
    for fact in ("2 layers", "4 heads", f"{small_config().architecture.vocab_size} pieces", "float32"):
        assert fact in network
    assert f"{count / 1e6:.1f} M" in network
    assert table(text)["Chinese, `a=b`"] == ["29", "91.1", "95.0", "80.0", "", "92.0, 94.0"]
    assert table(text)["entities"] == ["OCR", "2640", "75.0", "0.210", "0.031"]
    assert "0.077" not in text, "sources by themselves are no row"
    assert "41.5 ms" in table(text)["speed"][0] and "bfloat16" in table(text)["speed"][0]
    assert table(text)["languages"] == ["Chinese, English"]
    assert "Averaged at steps 2 and 5." in text
    assert "python -m beam_kie.training --config bundled.json" in text
    assert max(len(line) for line in text.splitlines() if not line.startswith(("|", " "))) <= 118


def test_an_ensemble_counts_all_its_networks(folder):
    combine([folder, folder], folder.parent / "both")
    assert write(folder.parent / "both") == 0
    network = table((folder.parent / "both" / MODEL_CARD).read_text())["network"][0]
    count = 2 * sum(value.numel() for value in small_network(**BUNDLED_KIND).state_dict().values())
    assert "2 networks" in network and f"{count / 1e6:.1f} M" in network


def test_a_card_says_whether_a_model_reads_line_images(folder):
    cards = []
    for kind in (BUNDLED_KIND, STRIPS_KIND):
        save_model(folder, small_network(**kind))
        assert write(folder) == 0
        cards.append(" ".join((folder / MODEL_CARD).read_text().split("## ")[0].split()))
    text_only, with_images = cards
    assert ("images" in text_only, "images" in with_images) == (False, True)


@pytest.mark.parametrize(
    ("made_of", "says"),
    [
        (
            Provenance((Data("XFUND", "CC BY-NC-SA 4.0"), Data("forms"))),
            "**Non-commercial.** XFUND: CC BY-NC",
        ),
        (Provenance((Data("theirs", "research only"),), own=True), "theirs: research only"),
        (Provenance((Data("mine"),), own=True), "Whatever the owner"),
        (Provenance((Data("forms"),)), "Apache-2.0, as the code, commercial use included"),
    ],
)
def test_the_licence_follows_from_what_it_is_made_of(folder, made_of, says):
    made_of.write(folder)
    assert write(folder) == 0
    text = " ".join((folder / MODEL_CARD).read_text().split())
    assert says in text
    assert ("**Non-commercial.**" in text) == ("NC" in says)
    assert "## Numbers" not in text and "Confidences are not calibrated" in text


def test_the_calibration_of_the_folder_is_stated(folder):
    (folder / "calibration.json").write_text(json.dumps(CALIBRATION))
    edit_config(folder, entity_temperature=2.0)
    assert write(folder) == 0
    text = (folder / MODEL_CARD).read_text()
    assert table(text)["entities"] == ["OCR", "2640", "75.0", "0.210", "0.031"]
    assert "not calibrated" not in text


def test_without_provenance_there_is_no_card(folder, capsys):
    (folder / "provenance.json").unlink()
    assert write(folder) == 2
    assert "has no provenance.json" in capsys.readouterr().err


def test_the_store_verifies_the_checksums(folder):
    assert write(folder) == 0
    assert changed_files(folder) == []
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert changed_files(folder) == ["config.json"]
    assert write(folder) == 0
    assert changed_files(folder) == []


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--scores", "zh.json"], "NAME=FILE"),
        (["--scores", "zh=none.json"], "none.json"),
        (["--scores", "zh=BROKEN"], "not JSON"),
        (["--scores", "zh=SPEED"], "not those of this project's commands"),
        (["--model", "EMPTY"], "lacks config.json, model.safetensors"),
    ],
)
def test_what_a_card_cannot_be_made_of_is_one_line_and_the_old_card_stays(folder, capsys, flags, says):
    (folder / MODEL_CARD).write_text("old")
    (folder.parent / "empty").mkdir()
    (folder.parent / "broken.json").write_text("{")
    for name in ("empty", "broken.json", "speed.json"):
        flags = [flag.replace(name.partition(".")[0].upper(), str(folder.parent / name)) for flag in flags]
    assert write(folder, *flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert (folder / MODEL_CARD).read_text() == "old"
