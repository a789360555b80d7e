"""Settings that cannot work are refused before pictures are read, with the key that has to be changed."""

import json

import pytest

from beam_kie.geometry import box_polygon
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, write_paddleocr
from beam_kie.training.planning.plan import make_plan, notes
from beam_kie.training.planning.values import SettingsError
from beam_kie.training.settings import Settings

OCR_LINES = {
    "uri": "p0.png",
    "page": 1,
    "lines": [{"text": "Weight", "polygon": [0, 0, 60, 0, 60, 20, 0, 20]}],
}
NETWORK = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 16,
           "coordinate_size": 3, "shape_size": 2, "relation_size": 8}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """Writes settings for four labelled pages, one of them held out."""
    key = LabelledEntry(0, "Weight", "QUESTION", box_polygon((10, 10, 90, 30)), ((0, 1),))
    value = LabelledEntry(1, "17 kg", "ANSWER", box_polygon((110, 10, 190, 30)), ((0, 1),))
    pages = [LabelledPage(f"p{number}.png", 200, 200, (key, value)) for number in range(4)]
    write_paddleocr(tmp_path / "labels.txt", pages)
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "lines.jsonl").write_text(json.dumps(OCR_LINES) + "\n")
    (tmp_path / "others.jsonl").write_text(json.dumps(OCR_LINES | {"uri": "q.png"}) + "\n")
    (tmp_path / "broken.jsonl").write_text('{"uri": "p0.png"}\n')

    def written(source=(), **changes):
        source = {"labels": "labels.txt", "holdout": "p3", **dict(source)}
        values = {"output": "run", "sources": [source], "network": NETWORK, "steps": 10, **changes}
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))
        return path

    return written


def plan(path):
    return make_plan(Settings.load(path))


def test_settings_that_work_are_not_refused(write):
    made = plan(write({"ocr_lines": "lines.jsonl"}, patience=3))
    (source,) = made.sources
    assert [page.name for page in source.held] == ["p3.png"] and len(source.kept) == 3
    assert source.readings[0]["p0.png"][0].text == "Weight"
    assert (made.settings.warmup, made.settings.measure_every) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"learning_rate": 0}, "learning_rate"),
        ({"warmup_steps": 10}, "warmup_steps is 10"),
        ({"seed": -1}, "seed"),
        ({"average_decay": 1}, "average_decay"),
        ({"label_smoothing": 1}, "label_smoothing"),
        ({"batch_tokens": 8}, "batch_tokens"),
        ({"batch_tokens": 100, "max_page_tokens": 200}, "max_page_tokens allows pages of 200"),
        ({"augmentation": {"cut": 2}}, r"augmentation\.cut"),
        ({"rates": {"words": True}}, "'words': True"),
        ({"rates": {"words": 0, "encoder": 0, "heads": 0}}, "rates: all parts"),
        ({"output": " "}, "output is empty"),
        ({"output": "labels.txt/run"}, "output: .* is a file"),
        ({"texts": ["nowhere.txt"]}, r"texts\[0\]: .*nowhere"),
        ({"views": [0, 0, 1]}, "not every source has ocr_lines"),
        ({"synthetic_share": 0.5, "synthetic_languages": []}, "synthetic_languages"),
        ({"synthetic_share": 0.5, "synthetic_languages": ["xx"]}, "synthetic_languages: 'xx'"),
        ({"patience": 5}, "are measured 5 times"),
        ({"patience": 1, "evaluate_every": 10}, "are measured 1 times"),
        ({"teacher": "nowhere"}, "teacher: .*no such folder"),
        ({"teacher": "."}, "teacher: .*config.json"),
        ({"extends": 3}, "extends"),
        ({"network": {"labels": []}}, "network.labels is empty"),
        ({"network": {"labels": "QUESTION"}}, "network.labels must be a list"),
        ({"network": {"labels": ["OTHER", "QUESTION"]}}, "OTHER means"),
        ({"network": {"labels": ["QUESTION", "ANSWER", "QUESTION"]}}, "more than once"),
        ({"network": {"links": {"QUESTION": 3}}}, "network.links must look like"),
        ({"network": {"links": {"QUESTON": ["ANSWER"]}}}, "network.links: QUESTON .* mean QUESTION"),
        ({"network": {"head_labels": ["ANSWR"]}}, "network.head_labels: ANSWR .* mean ANSWER"),
    ],
)
def test_settings_that_cannot_work_are_refused(write, changes, says):
    path = write(**changes)
    with pytest.raises(SettingsError, match=says) as caught:
        plan(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": "nowhere.txt"}, "labels: .*nowhere.txt"),
        ({"labels": "empty.txt"}, "labels: .*has no page"),
        ({"holdout": "z"}, "holdout: 'z' finds none of the 4 pages"),
        ({"holdout": ""}, "takes all 4 pages"),
        ({"weight": -1}, "weight is -1"),
        ({"weight": 0}, "weight is 0"),
        ({"images": "nowhere"}, "images: .*no such folder"),
        ({"images": "."}, "images: 4 of the 4 files .* the first is p0.png"),
        ({"ocr_lines": "nowhere"}, "ocr_lines: .*no such file"),
        ({"ocr_lines": "broken.jsonl"}, "ocr_lines: .*broken.jsonl:1: "),
        ({"more_ocr_lines": ["lines.jsonl", "broken.jsonl"]}, r"more_ocr_lines\[1\]: .*broken.jsonl:1: "),
        ({"ocr_lines": "others.jsonl"}, "has none of the 4 pages .* its first page is q.png"),
    ],
)
def test_sources_that_cannot_work_are_refused_with_their_key(write, changes, says):
    with pytest.raises(SettingsError, match=rf"^sources(\[0\])?[.:].*{says}"):
        plan(write(changes))


def test_a_run_does_not_write_over_what_it_begins_from(write, tmp_path):
    (tmp_path / "run" / "model").mkdir(parents=True)
    for key in ("start_from", "teacher"):
        with pytest.raises(SettingsError, match=f"write its model over {key}"):
            plan(write(**{key: "run/model"}))


def test_generated_forms_need_one_of_their_labels(write, tmp_path):
    labels = (tmp_path / "labels.txt").read_text()
    (tmp_path / "labels.txt").write_text(labels.replace("question", "key").replace("answer", "value"))
    with pytest.raises(SettingsError, match="synthetic_share must be 0"):
        plan(write(synthetic_share=0.5))


def test_pages_are_cropped_to_what_a_batch_holds_and_that_is_said(write):
    made = plan(write(batch_tokens=100))
    assert made.settings.max_page_tokens == 100
    assert any("100 tokens" in line for line in notes(made))
    made = plan(write())
    assert made.settings.max_page_tokens == made.config.tokenising.text_tokens
    assert not any("tokens" in line for line in notes(made))


def test_relations_alone_leave_out_what_only_entities_need(write):
    made = plan(write(tasks=["relations"], mask_rate=0))
    assert not made.config.architecture.grouping_head
    assert not made.config.architecture.token_classifier
