"""The command: corrections and labels in; tables, labels and corrections out."""

import json

import polars as pl
import pytest
from PIL import Image

from beam_kie.labelled.corrections import main
from beam_kie.labelled.corrections_file import (
    Corrections,
    EntityChange,
    LinkChange,
    PageCorrections,
    read_corrections,
    write_corrections,
)
from beam_kie.labelled.formats import read_labels
from beam_kie.tables.schema import SCHEMAS
from tests import pages, small_runs

FORM = pages.document("form.jpg").document_id
THREE = pages.document("three.pdf").document_id


@pytest.fixture
def output(tmp_path):
    return small_runs.write_run(tmp_path / "out", shards=2)


@pytest.fixture
def corrections(tmp_path):
    path = tmp_path / "corrections.json"
    form = PageCorrections(
        FORM,
        1,
        done=True,
        entities=(
            EntityChange(2, "change", text="韩梅梅", was_text="李雷", was_label="ANSWER"),
            EntityChange("n0", "add", "none", "ANSWER", (200.0, 500.0, 300.0, 540.0)),
        ),
        links=(LinkChange(7, "n0", "add"),),
    )
    write_corrections(path, Corrections("small", (form, PageCorrections(THREE, 3, done=True))))
    return path


def run(*arguments):
    return main([str(argument) for argument in arguments])


def read(folder, table):
    return pl.read_parquet(f"{folder}/{table}/run_id=small/*.parquet", hive_partitioning=False)


def test_corrected_tables_are_the_runs_own_but_for_what_was_corrected(output, corrections, tmp_path):
    assert run(corrections, "--run", output, "--tables", tmp_path / "corrected") == 0
    for table in SCHEMAS:
        before, after = read(output, table), read(tmp_path / "corrected", table)
        assert after.columns == [*before.columns, "corrected_by"]
        key = before.columns[0]
        unsaid = after.filter(pl.col("corrected_by").is_null()).drop("corrected_by")
        assert unsaid.sort(key).equals(before.filter(pl.col(key).is_in(unsaid[key].implode())).sort(key))
        names = [path.name for path in sorted((output / table / "run_id=small").iterdir())]
        assert names == [
            path.name for path in sorted((tmp_path / "corrected" / table / "run_id=small").iterdir())
        ]
    pairs = read(tmp_path / "corrected", "key_values").filter(pl.col("corrected_by") == "human")
    assert set(pairs.select("key_text", "value_text").rows()) == {("姓名:", "韩梅梅"), ("備考", "none")}
    documents = read(tmp_path / "corrected", "documents").filter(pl.col("corrected_by") == "human")
    assert set(documents["document_id"]) == {FORM, THREE}
    assert read(tmp_path / "corrected", "failures")["corrected_by"].null_count() == 2


def test_labels_of_scans_are_read_by_training_and_say_the_same(output, corrections, tmp_path):
    assert run(corrections, "--run", output, "--labels", tmp_path / "labels.txt") == 0
    form, three = sorted(read_labels(tmp_path / "labels.txt"), key=lambda page: page.name)
    assert (form.name, three.name) == ("form.jpg", "three.pdf#page=3")
    texts = {entry.id: entry.text for entry in form.entries}
    assert {(texts[a], texts[b]) for a, b in form.relations()} == {
        ("姓名:", "韩梅梅"),
        ("Date of birth", "2001-02-03"),
        ("Gebühr", "1.234,50 €"),
        ("備考", "none"),
    }
    assert form.entries[1].polygon == (100, 200, 220, 200, 220, 240, 100, 240)
    # The page was turned by 90 degrees to stand upright: its stored picture lies on its side.
    x0, y0, x1, y1 = pages.FORM[1][2]
    assert sorted(zip(three.entries[1].polygon[::2], three.entries[1].polygon[1::2], strict=True)) == sorted(
        (y, 1400 - x) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    )


def test_labels_of_pictures_fit_the_pictures(output, corrections, tmp_path):
    assert (
        run(corrections, "--run", output, "--labels", tmp_path / "l.txt", "--images", tmp_path / "images")
        == 0
    )
    for page in read_labels(tmp_path / "l.txt", tmp_path / "images"):
        with Image.open(tmp_path / "images" / page.name) as image:
            assert image.size == (page.width_px, page.height_px)
    form = next(page for page in read_labels(tmp_path / "l.txt") if page.name == f"{FORM}_p0001.jpg")
    assert form.entries[1].polygon[:2] == (50, 100)  # the picture is half as wide as the page


def test_only_pages_that_are_done_become_labels_unless_others_are_asked_for(output, tmp_path, capsys):
    path = tmp_path / "c.json"
    write_corrections(
        path, Corrections("small", (PageCorrections(THREE, 1, entities=(EntityChange(0, "accept"),)),))
    )
    labels = tmp_path / "l.txt"
    assert run(path, "--run", output, "--labels", labels) == 2
    assert "--pages changed" in capsys.readouterr().err
    assert run(path, "--run", output, "--labels", labels, "--pages", "changed") == 0
    assert [page.name for page in read_labels(labels)] == ["three.pdf#page=1"]
    assert run(path, "--run", output, "--labels", labels, "--pages", "all") == 0
    assert [page.name for page in read_labels(labels)] == ["three.pdf#page=1", "three.pdf#page=3"]


def said_of(path, output, tmp_path, **flags):
    more = [part for name, value in flags.items() for part in (f"--{name}", value)]
    assert run(path, "--run", output, "--corrections", tmp_path / "back.json", *more) == 0
    return {(page.document_id, page.page): page for page in read_corrections(tmp_path / "back.json").pages}


@pytest.mark.parametrize("images", [False, True])
def test_labels_come_back_as_the_same_corrections(output, corrections, tmp_path, images):
    labels = tmp_path / "Label.txt"
    more = ("--images", tmp_path / "images") if images else ()
    assert run(corrections, "--run", output, "--labels", labels, *more) == 0
    back = said_of(labels, output, tmp_path)
    (changed, added) = back[FORM, 1].entities
    assert (changed.name, changed.action, changed.text, changed.box) == (2, "change", "韩梅梅", None)
    assert (added.action, added.text, added.label) == ("add", "none", "ANSWER")
    assert [(link.key, link.value, link.action) for link in back[FORM, 1].links] == [(7, "n0", "add")]
    assert back[THREE, 3].entities == back[THREE, 3].links == ()
    assert all(page.done for page in back.values())


def test_ppocrlabel_has_no_links_and_takes_none_away(output, tmp_path):
    items = [
        {
            "transcription": "韩梅梅" if text == "李雷" else text,
            "points": [[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]],
            "difficult": False,
            "key_cls": "None" if label == "HEADER" else label.lower(),
        }
        for label, text, box in pages.FORM
    ]
    path = tmp_path / "Label.txt"
    path.write_text(f"scans/form.jpg\t{json.dumps(items, ensure_ascii=False)}\n", encoding="utf-8")
    page = said_of(path, output, tmp_path)[FORM, 1]
    assert [(entity.name, entity.action, entity.text) for entity in page.entities] == [
        (2, "change", "韩梅梅"),
        (0, "remove", None),
    ]
    assert page.links == ()


def test_boxes_that_lie_closer_to_the_ink_are_not_moved(output, tmp_path):
    items = []
    for number, (label, text, (x0, y0, x1, y1)) in enumerate(pages.FORM):
        dx, dy = 0.2 * (x1 - x0), 0.3 * (y1 - y0)
        corners = [[x0 + dx, y0 + dy], [x1 - dx, y0 + dy], [x1 - dx, y1 - dy], [x0 + dx, y1 - dy]]
        items.append({"transcription": text, "label": label, "points": corners, "id": number})
    moved = dict(items[1], points=[[x + 60, y] for x, y in items[1]["points"]])
    path, labels = tmp_path / "Label.txt", tmp_path / "l.txt"
    path.write_text(f"form.jpg\t{json.dumps(items, ensure_ascii=False)}\n", encoding="utf-8")
    assert said_of(path, output, tmp_path, labels=labels)[FORM, 1].entities == ()
    (page,) = read_labels(labels)
    assert [entry.label for entry in page.entries if not entry.is_entity] == []
    path.write_text(
        f"form.jpg\t{json.dumps([items[0], moved, *items[2:]], ensure_ascii=False)}\n", encoding="utf-8"
    )
    (change,) = said_of(path, output, tmp_path, labels=labels)[FORM, 1].entities
    assert (change.name, change.action, change.box) == (1, "change", (184, 212, 256, 228))
    (page,) = read_labels(labels)
    assert [entry.label for entry in page.entries if not entry.is_entity] == []


def label_studio(name):
    """form.jpg as Label Studio exports it: three regions, one of them corrected, one relation."""
    result = []
    for number, (label, text, (x0, y0, x1, y1)) in enumerate(pages.FORM[1:4]):
        shared = {"id": f"r{number}", "original_width": 1000, "original_height": 1400, "image_rotation": 0}
        value = {"x": x0 / 10, "y": y0 / 14, "width": (x1 - x0) / 10, "height": (y1 - y0) / 14, "rotation": 0}
        result += [
            {**shared, "type": "rectangle", "value": value},
            {**shared, "type": "labels", "value": {**value, "labels": [label.title()]}},
            {**shared, "type": "textarea", "value": {**value, "text": [text + "!" if number == 1 else text]}},
        ]
    result.append({"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "left", "labels": []})
    cancelled = {"result": [], "was_cancelled": True}
    return [{"data": {"ocr": name}, "annotations": [{"result": result}, cancelled]}, {"data": {"ocr": "x"}}]


@pytest.mark.parametrize(
    "name",
    ["/data/upload/3/0a1b2c3d-form.jpg", "/data/local-files/?d=scans/form.jpg", "s3://bucket/form.jpg"],
)
def test_label_studio(output, tmp_path, name):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(label_studio(name), ensure_ascii=False), encoding="utf-8")
    page = said_of(path, output, tmp_path)[FORM, 1]
    changes = {entity.name: (entity.action, entity.text, entity.box) for entity in page.entities}
    assert changes[2] == ("change", "李雷!", None)
    assert {name for name, change in changes.items() if change[0] == "remove"} == {0, 4, 5, 6, 7}
    links = {(link.key, link.value): link.action for link in page.links}
    assert links == {(1, 2): "remove", (3, 2): "add", (3, 4): "remove", (5, 6): "remove"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"format": "beam-kie-corrections"', "damaged"),
        ('{"format": "beam-kie-corrections", "version": 1, "run_id": "small", "pages": 3}', "pages"),
        (
            '{"format": "beam-kie-corrections", "version": 1, "run_id": "other", "pages": []}',
            "no finished run other",
        ),
        ("", "corrections"),
        ("form.jpg\n", "labels"),
        ("form.jpg\t[{}]\n", "labels"),
        ("unknown.jpg\t[]\n", "unknown.jpg fits no page"),
        ('[{"data": {}}, 5]', "Label Studio"),
        ('[{"data": {}, "annotations": [{"result": []}]}]', "names no picture"),
        ('[{"data": {"a": "b"}, "annotations": [{"result": [{"type": "rectangle", "id": "1"}]}]}]', "labels"),
    ],
)
def test_damaged_files_end_with_one_line_and_exit_code_2(output, tmp_path, capsys, content, said):
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8")
    assert run(path, "--run", output, "--tables", tmp_path / "corrected") == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and said in error
    assert not (tmp_path / "corrected").exists()


def test_options_that_cannot_be_are_refused_in_one_line(output, corrections, tmp_path, capsys):
    asked = [
        (tmp_path / "missing.json", "--run", output),
        (corrections, "--run", tmp_path / "nothing"),
        (corrections, "--run", "gs://bucket/out"),
        (corrections, "--run", output, "--run_id", "other"),
        (corrections, "--run", output, "--tables", output),
        (corrections, "--run", output, "--images", tmp_path / "images"),
    ]
    for arguments in asked:
        assert run(*arguments) == 2, arguments
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_damaged_run_is_said_in_one_line(output, corrections, tmp_path, capsys):
    for path in (output / "entities" / "run_id=small").iterdir():
        path.write_bytes(b"PAR1")
    assert run(corrections, "--run", output, "--tables", tmp_path / "corrected") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
