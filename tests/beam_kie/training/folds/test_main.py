"""Folds end to end: every page is measured once, by a run that did not learn from it."""

import json
import shutil
from dataclasses import asdict

import pytest

from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, write_paddleocr
from beam_kie.layoutxlm.model import KieModel
from beam_kie.training.calibration.__main__ import main as calibration
from beam_kie.training.calibration.pages import pages_of
from beam_kie.training.folds import runs
from beam_kie.training.folds.__main__ import main
from beam_kie.training.folds.measuring import measure_fold
from beam_kie.training.folds.trained import kept_aside, trained_folds
from beam_kie.training.penalties import main as penalties
from beam_kie.training.settings import Settings
from tests.small_networks import OWN_LABELS

PAGES = [f"p{number}.jpg" for number in range(6)]
EXACT = ("ser", "re", "ser_paddleocr", "re_paddleocr", "pairs_gold_lines")


def page(number):
    top = 100 + 40 * number
    key = LabelledEntry(0, "shipper", "SHIPPER", box_polygon((100, top, 200, top + 20)), ((0, 1),))
    value = LabelledEntry(1, f"{number} kg", "WEIGHT", box_polygon((220, top, 300, top + 20)), ((0, 1),))
    return LabelledPage(PAGES[number], 1000, 1000, (key, value))


def reading(path, geometry, labelled, missing=()):
    records = [
        {
            "version": 2,
            "uri": each.name,
            "page": 1,
            "geometry": geometry,
            "width": 1000,
            "height": 1000,
            "lines": [{"text": e.text, "polygon": list(e.polygon), "confidence": 0.9} for e in each.entries],
        }
        for each in labelled
        if each.name not in missing
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Settings of a tiny run, labelled pages and two readings of them."""
    folder = tmp_path_factory.mktemp("folds")
    labelled = [page(number) for number in range(6)]
    write_paddleocr(folder / "labels.txt", labelled)
    write_paddleocr(folder / "measured.txt", labelled[:1])
    reading(folder / "lines.jsonl", "default", labelled)
    reading(folder / "more.jsonl", "tight", labelled, missing=PAGES[:1])
    source = {"labels": "labels.txt", "ocr_lines": "lines.jsonl", "more_ocr_lines": ["more.jsonl"]}
    settings = {
        "output": "unused",
        "sources": [{**source, "holdout": "p0"}, {"labels": "measured.txt", "holdout": ""}],
        "network": {**OWN_LABELS, "hidden_size": 16, "intermediate_size": 16, "relation_size": 8}
        | {"coordinate_size": 3, "shape_size": 2, "num_hidden_layers": 1},
        "vocabulary_size": 100,
        "steps": 9,
        "batch_tokens": 64,
        "learning_rate": 5e-3,
        "warmup_steps": 1,
        "threads": 1,
        "precision": "float32",
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="module")
def command(folder):
    def run(*more, output="out", config="settings.json"):
        where = ["--config", str(folder / config), "--output", str(folder / output)]
        return main([*where, "--folds", "2", "--steps", "2", "--device", "cpu", "--quiet", *more])

    return run


@pytest.fixture(scope="module")
def judged(folder, command):
    """Two folds, the second one in a command of its own, as after an interruption."""
    assert command("--only_fold", "1") == 0
    assert command() == 0
    return folder / "out"


def read(path):
    return json.loads(path.read_text())


def test_every_page_is_measured_once_by_a_run_that_did_not_learn_from_it(judged, folder):
    result = read(judged / "folds.json")
    (source,) = result["pages"]  # pages that are only measured are in no fold
    assert sorted(result["pages"][source]) == PAGES
    assert result["folds_measured"] == [1, 2]
    for fold in (1, 2):
        run = Settings.load(judged / f"fold{fold}" / "settings.json")
        kept = read(judged / f"fold{fold}" / "counts.json")["pages"][source]
        assert len(kept) == 3 and run.steps == 2
        assert all(name in run.sources[0].holdout.replace("\\", "") for name in kept)


def test_figures_are_of_all_pages_and_of_every_reading(judged):
    result = read(judged / "folds.json")
    (pages,), (figures,) = result["pages"].values(), result["figures"].values()
    for name in EXACT:
        assert all(list(counts[name]) == ["gold lines"] for counts in pages.values())
    assert set(figures["pairs_ocr_lines"]["readings"]) == {"default", "tight"}
    assert "tight" not in pages[PAGES[0]]["pairs_ocr_lines"], "this reading lacks the page"
    for name, figure in figures.items():
        for reading_name, f1 in figure["readings"].items():
            of_pages = [counts[name].get(reading_name, [0, 0, 0]) for counts in pages.values()]
            right, predicted, gold = map(sum, zip(*of_pages, strict=True))
            assert f1 == pytest.approx(200 * right / (predicted + gold))


def test_what_is_done_is_not_done_again(judged, command, monkeypatch):
    def no_more(*_):
        raise AssertionError("nothing is left to train or to measure")

    monkeypatch.setattr("beam_kie.training.folds.__main__.train_fold", no_more)
    monkeypatch.setattr("beam_kie.training.folds.__main__.measure_fold", no_more)
    before = read(judged / "folds.json")
    assert command() == 0
    assert read(judged / "folds.json") == before


def test_only_the_named_sources_are_measured_and_those_that_are_missing_later(folder, command, monkeypatch):
    drawn = {"labels": "drawn.txt", "ocr_lines": "lines.jsonl"}
    write_paddleocr(folder / "drawn.txt", [page(number) for number in range(4)])
    sources = [{"labels": "labels.txt", "ocr_lines": "lines.jsonl"}, drawn]
    (folder / "two.json").write_text(json.dumps({"extends": "settings.json", "sources": sources}))
    real, drawn = (f"{folder.name}/{name}" for name in ("labels", "drawn"))
    measured = []

    def spied(model, sources, found, fold, names, wanted, progress):
        measured.append((fold, wanted))
        return measure_fold(model, sources, found, fold, names, wanted, progress)

    def result(*more):
        measured.clear()
        assert command(*more, output="two", config="two.json") == 0
        return read(folder / "two" / "folds.json")

    monkeypatch.setattr("beam_kie.training.folds.__main__.measure_fold", spied)
    few = result("--sources", real)
    assert (list(few["pages"]), few["sources"], len(few["pages"][real])) == ([real], [real], 6)
    assert measured == [(1, [real]), (2, [real])]

    part = result("--only_fold", "1")
    assert measured == [(1, [drawn])]
    assert part["folds_measured"] == [1], "what is known of the second fold lacks a source"
    every = result()
    assert measured == [(2, [drawn])]
    assert list(every["pages"]) == [real, drawn] and len(every["pages"][drawn]) == 4
    assert every["pages"][real] == few["pages"][real]

    assert result("--sources", real) == few and measured == []


def test_other_costs_of_decoding_are_compared_without_training(judged, command, monkeypatch, capsys):
    monkeypatch.setattr(runs.Trainer, "run", lambda _: pytest.fail("trains"))
    assert command("--decoding", "none_penalty=1000", "--box_geometries", "tight") == 0
    changed = read(judged / "folds.none_penalty=1000.json")
    (figures,) = changed["figures"].values()
    assert set(figures["pairs_ocr_lines"]["readings"]) == {"tight"}
    # "No key" is so dear that every value that was found has one.
    (before,) = read(judged / "folds.json")["pages"].values()
    (after,) = changed["pages"].values()
    assert sum(counts["re"]["gold lines"][1] for counts in after.values()) == 6
    assert sum(counts["re"]["gold lines"][1] for counts in before.values()) <= 6
    told = capsys.readouterr().out
    assert "difference to" in told and "folds.json" in told


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--folds", "1"], "--folds 1"),
        (["--folds", "7"], "6 files cannot be cut into 7 folds"),
        (["--only_fold", "3"], "--only_fold 3"),
        (["--box_geometries", "wide"], "--box_geometries wide"),
        (["--box_geometries", "round"], "round"),
        (["--sources", "nobody"], "--sources nobody"),
        (["--decoding", "cut=1"], "switch_penalty"),
        (["--decoding", "switch_penalty=much"], "much"),
        (["--compare", "none.json"], "none.json"),
        (["--steps", "1"], "warmup_steps"),
        (["--seed", "5"], "other sources"),
    ],
)
def test_what_cannot_be_done_is_one_line(judged, command, capsys, more, said):
    capsys.readouterr()
    before = sorted(judged.rglob("*"))
    assert command(*more) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in line and line.startswith("beam_kie.training.folds:")
    assert sorted(judged.rglob("*")) == before


def test_costs_of_runs_that_are_not_there_are_refused(folder, command, capsys):
    assert command("--decoding", "none_penalty=1", output="nothing") == 2
    assert "not trained" in capsys.readouterr().err
    assert not (folder / "nothing").exists()


def test_a_start_that_knows_the_pages_is_named(judged, folder):
    settings = Settings.load(folder / "settings.json")
    known = judged / "fold1" / "model"
    assert len(runs.seen_before(Settings(**{**vars(settings), "start_from": str(known)}))) == 1
    assert runs.seen_before(settings) == []
    assert asdict(settings)["start_from"] is None


def test_costs_and_confidences_are_chosen_on_the_pages_of_all_folds(judged, folder, tmp_path, capsys):
    (source,) = read(judged / "folds.json")["pages"]
    model = tmp_path / "model"
    shutil.copytree(judged / "fold1" / "model", model)
    chosen = ["--model", str(model), "--folds", str(judged), "--sources", source]

    assert penalties([*chosen, "--write"]) == 0
    assert "on 6 pages" in capsys.readouterr().out
    assert calibration([*chosen, "--force", "--quiet", "--report", str(tmp_path / "report.json")]) == 0

    groups = read(tmp_path / "report.json")["groups"]
    expected = {lines: 0 for lines in ("gold", "OCR")}
    for fold, sources in trained_folds(judged, None):
        reader = KieModel.load(fold, device="cpu")
        kept = kept_aside(sources, reader)
        counts = read(fold.parent / "counts.json")["pages"][source]
        assert {page.name for page in kept} == set(counts)
        for (_, lines), pages in pages_of(sources, reader).items():
            found = reader.predict([page.page for page in pages])
            expected[lines] += sum(len(result.entities) for result in found)
    of_entities = {group["lines"]: group["count"] for group in groups if group["kind"] == "entities"}
    assert of_entities == {lines: count for lines, count in expected.items() if count}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--folds", "DIR", "--sources", "nobody"],
        ["--folds", "nowhere"],
        ["--config", "settings.json", "--sources", "labels"],
        ["--config", "settings.json", "--folds", "DIR"],
    ],
)
@pytest.mark.parametrize("program", [penalties, calibration])
def test_what_cannot_be_chosen_on_is_said_in_a_line(judged, program, arguments, capsys):
    model = str(judged / "fold1" / "model")
    arguments = [str(judged) if each == "DIR" else each for each in arguments]
    try:
        code = program(["--model", model, *arguments])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_folds_that_are_not_trained_are_not_chosen_on(folder, judged, tmp_path, capsys):
    shutil.copytree(judged, tmp_path / "out")
    (tmp_path / "out" / "fold2" / "done").unlink()
    assert penalties(["--model", str(judged / "fold1" / "model"), "--folds", str(tmp_path / "out")]) == 2
    assert "fold2" in capsys.readouterr().err
