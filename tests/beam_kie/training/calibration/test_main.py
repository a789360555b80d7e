import dataclasses
import hashlib
import json

import numpy as np
import pytest

from beam_kie.document import PageText
from beam_kie.evaluation import gold_pages
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, read_labels, write_paddleocr
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.calibration.__main__ import main, write
from beam_kie.training.calibration.fitting import FittedCalibration
from beam_kie.training.calibration.unknown_words import in_unknown_words
from tests.small_networks import BUNDLED_KIND, form, save_model, small_network


def labelled(number):
    """The texts of a form, some with the labels that the random network gives them and some without."""
    page: PageText = form(4, seed=number)
    kinds = ("QUESTION", "ANSWER", "OTHER", "HEADER")
    entries = [
        LabelledEntry(
            index, line.text, kinds[(index + number) % 4], tuple(line.polygon), ((index, index + 1),)
        )
        for index, line in enumerate(page.lines)
    ]
    return LabelledPage(f"p{number}.png", page.width_px, page.height_px, tuple(entries))


@pytest.fixture
def folder(tmp_path):
    """A model, six labelled pages, and what OCR is said to have read on four of them."""
    save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    pages = [labelled(number) for number in range(6)]
    write_paddleocr(tmp_path / "labels.txt", pages)
    lines = [
        {
            "uri": page.name,
            "page": 1,
            "width": page.width_px,
            "height": page.height_px,
            "lines": [{"text": e.text + "x", "polygon": list(e.polygon)} for e in page.entries],
        }
        for page in pages[:4]
    ]
    (tmp_path / "ocr.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path


def calibrate(folder, *flags):
    source = ("--labels", str(folder / "labels.txt"), "--ocr_lines", str(folder / "ocr.jsonl"))
    flags = ("--device", "cpu", "--quiet", "--force", *flags)
    return main(["--model", str(folder / "model"), *source, *flags])


def test_a_few_pages_are_too_few_unless_forced(folder, capsys):
    flags = ["--model", str(folder / "model"), "--labels", str(folder / "labels.txt"), "--quiet", "--write"]
    before = (folder / "model" / "config.json").read_bytes()
    assert main(flags) == 2
    assert "6 held-out pages are too few" in capsys.readouterr().err
    assert (folder / "model" / "config.json").read_bytes() == before
    assert main([*flags, "--force"]) == 0
    assert (folder / "model" / "calibration.json").is_file()


def results(folder):
    model = KieModel.load(folder / "model", device="cpu")
    return model.predict([page.page for page in gold_pages(read_labels(folder / "labels.txt"))])


def test_the_model_is_measured_on_both_kinds_of_lines_and_not_touched(folder, capsys):
    before = (folder / "model" / "config.json").read_bytes()

    assert calibrate(folder, "--report", str(folder / "report.json")) == 0

    report = json.loads((folder / "report.json").read_text())
    kinds = [(group["kind"], group["lines"], group["source"]) for group in report["groups"]]
    names = ("entities", "relations", "relations of gold entities")
    assert kinds == [(kind, lines, None) for kind in names for lines in ("gold", "OCR")]
    out = capsys.readouterr().out
    for group in report["groups"]:
        assert group["count"] == sum(count for count, _, _ in group["before"]["bins"]) > 0
        assert f"{group['before']['ece']:.3f}" in out and f"{group['after']['ece']:.3f}" in out
    found = results(folder)
    assert report["groups"][0]["count"] == sum(len(result.entities) for result in found)
    assert report["groups"][2]["count"] == sum(len(result.relations) for result in found)
    assert "p0.png" not in out
    assert (folder / "model" / "config.json").read_bytes() == before


def test_writing_changes_confidences_and_no_finding(folder, capsys):
    before = results(folder)

    assert calibrate(folder, "--report", str(folder / "report.json"), "--write") == 0

    for group in groups(folder):
        assert group["now"] == group["before"]
    config = LayoutXLMConfig.load(folder / "model" / "config.json")
    written = json.loads((folder / "report.json").read_text())["calibration"]
    table = tuple(map(tuple, written["entity_calibration"]))
    assert config.calibration.entity_calibration == table and len(table) > 2
    assert config.calibration.entity_temperature == written["entity_temperature"]
    after = results(folder)
    for old, new in zip(before, after, strict=True):
        assert [(e.label, e.spans) for e in old.entities] == [(e.label, e.spans) for e in new.entities]
        assert [(r.head, r.tail) for r in old.relations] == [(r.head, r.tail) for r in new.relations]
    assert mean_confidence(after) < mean_confidence(before) - 0.05  # a random network is wrong mostly
    # A calibrated model is measured as it computes, so that a second time writes the same.
    assert calibrate(folder, "--report", str(folder / "report.json"), "--write") == 0
    assert LayoutXLMConfig.load(folder / "model" / "config.json") == config
    entities = groups(folder)[0]
    assert entities["lines"] == "gold" and entities["now"]["ece"] < entities["before"]["ece"] - 0.05
    assert entities["now"]["confidence"] == pytest.approx(mean_confidence(after), abs=1e-3)


@pytest.mark.parametrize("temperatures", [(1.4, 0.75), (1.23, 3.0)])
def test_writing_leaves_temperatures_as_they_are(folder, temperatures):
    path = folder / "model" / "config.json"
    given = dict(zip(("entity_temperature", "relation_temperature"), temperatures, strict=True))
    path.write_text(json.dumps(json.loads(path.read_text()) | given))
    before = mean_confidence(results(folder))
    assert calibrate(folder, "--report", str(folder / "report.json"), "--write") == 0
    written = json.loads(path.read_text())
    assert {name: written[name] for name in given} == given
    assert written["entity_calibration"]
    assert groups(folder)[0]["now"]["confidence"] == pytest.approx(before, abs=1e-3)
    # What the tables were made for is what the model computes.
    assert calibrate(folder, "--report", str(folder / "report.json")) == 0
    assert groups(folder)[0]["now"]["confidence"] == pytest.approx(mean_confidence(results(folder)), abs=1e-3)


def groups(folder):
    return json.loads((folder / "report.json").read_text())["groups"]


def mean_confidence(results):
    return np.mean([entity.confidence for result in results for entity in result.entities])


def test_only_pages_that_were_held_out_count(folder):
    source = {"labels": "labels.txt", "holdout": "p[45]"}
    seen = {"labels": "labels.txt"}
    (folder / "run.json").write_text(json.dumps({"output": "run", "sources": [source, seen]}))
    every = {"labels": "labels.txt", "holdout": ""}
    (folder / "every.json").write_text(json.dumps({"output": "run", "sources": [every]}))
    arguments = ["--model", str(folder / "model"), "--device", "cpu", "--quiet", "--force"]
    arguments += ["--report", str(folder / "report.json")]
    found = results(folder)

    for flags, pages in (
        (["--config", str(folder / "run.json")], (4, 5)),
        (["--config", str(folder / "every.json")], range(6)),
        (["--labels", str(folder / "labels.txt"), "--holdout", "p[45]"], (4, 5)),
        (["--labels", str(folder / "labels.txt"), "--pages", "2:3"], (1, 2)),
    ):
        assert main([*arguments, *flags]) == 0
        report = json.loads((folder / "report.json").read_text())
        assert {group["lines"] for group in report["groups"]} == {"gold"}
        assert report["groups"][0]["count"] == sum(len(found[page].entities) for page in pages)


@pytest.mark.parametrize(("flags", "known", "unknown"), [((), 1, 0), (("also",), 1, 1), (("only",), 0, 1)])
def test_pages_count_with_their_letters_exchanged(folder, flags, known, unknown):
    pages = gold_pages(read_labels(folder / "labels.txt"))
    model = KieModel.load(folder / "model", device="cpu")
    as_they_are, exchanged = (
        [
            entity.confidence
            for result in model.predict([page.page for page in each])
            for entity in result.entities
        ]
        for each in (pages, [in_unknown_words(page, 0) for page in pages])
    )
    assert abs(np.mean(as_they_are) - np.mean(exchanged)) > 0.002
    right = known * as_they_are + unknown * exchanged

    asked = ("--unknown_words", *flags) if flags else ()
    assert calibrate(folder, "--report", str(folder / "report.json"), *asked) == 0

    entities = groups(folder)[0]
    assert entities["count"] == len(right)
    assert entities["before"]["confidence"] == pytest.approx(np.mean(right), abs=1e-3)


def test_the_cards_checksum_follows(tmp_path):
    folder = save_model(tmp_path / "model", small_network(**BUNDLED_KIND))
    config = folder / "config.json"
    old = hashlib.sha256(config.read_bytes()).hexdigest()
    (folder / "model_card.md").write_text(f"    {old}  config.json\n    {'0' * 64}  tokenizer.json\n")

    made = FittedCalibration(1.5, 1.0, ((0.0, 0.0), (1.0, 0.9)), ())
    write(folder, made)

    new = hashlib.sha256(config.read_bytes()).hexdigest()
    assert (
        folder / "model_card.md"
    ).read_text() == f"    {new}  config.json\n    {'0' * 64}  tokenizer.json\n"
    loaded = LayoutXLMConfig.load(config).calibration
    assert dataclasses.asdict(loaded) == dataclasses.asdict(made)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([], "--config"),
        (["--labels", "x", "--config", "y"], "--config"),
        (["--config", "none.json"], "none.json"),
        (["--labels", "none.txt"], "none.txt"),
        (["--labels", "LABELS", "--holdout", "nothing"], "no labelled page"),
        (["--labels", "LABELS", "--pages", "1:1", "--force"], "at least two"),
        (["--labels", "LABELS", "--ocr_lines", "none.jsonl"], "none.jsonl"),
        (["--labels", "LABELS", "--holdout", "("], "not a regular expression"),
        (["--model", "no/such", "--labels", "LABELS"], "no/such"),
    ],
)
def test_what_has_to_be_changed_is_one_line(folder, capsys, flags, says):
    flags = [str(folder / "labels.txt") if flag == "LABELS" else flag for flag in flags]
    before = (folder / "model" / "config.json").read_bytes()
    assert main(["--model", str(folder / "model"), *flags, "--quiet", "--write"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert says in line
    assert (folder / "model" / "config.json").read_bytes() == before
