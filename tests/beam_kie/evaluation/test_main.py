import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from beam_kie.document import Entity, LineSpan, PageResult, Relation
from beam_kie.evaluation import evaluate, gold_pages
from beam_kie.evaluation.__main__ import main
from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pictures import (
    PictureError,
    pairs_from_pictures,
    scale_warning,
    with_pictures,
    with_read_lines,
)
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, read_labels, write_paddleocr
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.images import page_thumbnail
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.network import LayoutXLM
from beam_kie.layoutxlm.tokenizer import load_tokenizer
from tests.small_networks import save_model, small_network

REPOSITORY = Path(__file__).resolve().parents[3]
BUNDLED = REPOSITORY / "model_store" / "bundled" / "config.json"
SCORES = ["ser", "re", "ser_paddleocr", "re_paddleocr", "pairs_gold_lines"]


def entry(number, text, label, x, y, links=(), width=200, height=30):
    polygon = (x, y, x + width, y, x + width, y + height, x, y + height)
    return LabelledEntry(number, text, label, tuple(map(float, polygon)), tuple(links))


FORM = LabelledPage(
    name="form.png",
    width_px=900,
    height_px=500,
    entries=(
        entry(9, "Registration", "HEADER", 300, 20),
        entry(5, "Lee Green", "ANSWER", 320, 100, [(5, 4)]),
        entry(4, "Name:", "QUESTION", 40, 100, [(4, 5)]),
        entry(6, "Hobbies:", "QUESTION", 40, 200, [(6, 7), (6, 8), (4, 6), (6, 2)]),
        entry(7, "Chess", "ANSWER", 320, 200, [(6, 7)]),
        entry(8, "Rowing", "ANSWER", 600, 200, [(6, 8)]),
        entry(2, "page one", "OTHER", 40, 450),
        entry(3, "  ", "ANSWER", 320, 300, [(6, 3)]),
    ),
)


class AnnotatedModel:
    """Answers what it is told: entities of whole lines, relations by text. One token a character."""

    pictures = None

    def __init__(self, label_of_text, pairs):
        self.label_of_text = label_of_text
        self.pairs = pairs
        self.asked = []

    def predict(self, pages):
        return self._results(pages, [self._entities(page) for page in pages])

    def relate(self, pages, entities):
        self.asked.append([[entity.text for entity in given] for given in entities])
        return self._results(pages, entities)

    def _results(self, pages, entities):
        return [
            PageResult(page, tuple(given), tuple(self._relations(given)))
            for page, given in zip(pages, entities, strict=True)
        ]

    def token_predictions(self, pages):
        return [[self._tags(line.text) for line in page.lines] for page in pages]

    def _entities(self, page):
        return [
            Entity(label, line.text, line.polygon, 0.9, (LineSpan(index, 0, len(line.text)),))
            for index, line in enumerate(page.lines)
            if (label := self.label_of_text.get(line.text))
        ]

    def _relations(self, entities):
        for head, key in enumerate(entities):
            for tail, value in enumerate(entities):
                if (key.text, value.text) in self.pairs:
                    yield Relation(head, tail, 0.8)

    def _tags(self, text):
        label = self.label_of_text.get(text)
        return [f"{'I' if i else 'B'}-{label}" if label else "O" for i in range(len(text))]


LABELS = {
    "Registration": "HEADER",
    "Name:": "QUESTION",
    "Lee Green": "ANSWER",
    "Hobbies:": "QUESTION",
    "Chess": "ANSWER",
    "Rowing": "ANSWER",
}
PAIRS = {("Name:", "Lee Green"), ("Hobbies:", "Chess"), ("Hobbies:", "Rowing")}


def test_gold_is_the_labelled_lines_in_reading_order():
    (gold,) = gold_pages([FORM])

    texts = [line.text for line in gold.page.lines]
    assert texts == ["Registration", "Name:", "Lee Green", "Hobbies:", "Chess", "Rowing", "page one"]
    assert {entity.text: entity.label for entity in gold.entities} == LABELS
    assert [entity.spans for entity in gold.entities][:2] == [(LineSpan(0, 0, 12),), (LineSpan(1, 0, 5),)]
    assert (gold.page.width_px, gold.page.height_px) == (900, 500)
    assert gold.page.whole_lines


def test_lines_that_were_read_are_not_known_to_be_entities():
    (gold,) = gold_pages([FORM])
    (read,) = with_read_lines([gold], {gold.name: gold.page.lines[:3]})
    assert (len(read.page.lines), read.page.whole_lines) == (3, False)
    assert with_read_lines([gold], {}) == []


def test_gold_pairs_go_from_key_to_value_and_other_links_are_dropped():
    (gold,) = gold_pages([FORM])

    assert set(gold.text_pairs) == PAIRS
    assert len(gold.pairs) == 3
    assert gold.entries_without_text == 1


def test_a_model_may_pair_other_labels():
    entries = (
        entry(1, "Total", "MENU.NM", 40, 100, [(1, 2)]),
        entry(2, "7.50", "MENU.PRICE", 320, 100),
        entry(3, "Tea", "QUESTION", 40, 200, [(3, 2)]),
    )

    (gold,) = gold_pages([LabelledPage("bill.png", 900, 500, entries)], ["MENU.NM"], ["MENU.PRICE"])

    assert gold.text_pairs == [("Total", "7.50")]


def test_pages_of_one_file_are_numbered():
    assert [gold.page.page for gold in gold_pages([FORM, FORM])] == [1, 2]


def test_a_model_that_knows_everything_scores_one():
    report = evaluate(AnnotatedModel(LABELS, PAIRS), gold_pages([FORM] * 3))

    figures = report.as_dict()
    assert figures.pop("documents") == 3
    assert figures.pop("pairs_from_image") is None
    assert figures == {name: {"precision": 1.0, "recall": 1.0, "f1": 1.0} for name in SCORES}


def test_every_figure_counts_its_own_mistakes():
    # The model takes the header for a key and the small print for a value, and links one pair wrongly.
    labels = {**LABELS, "Registration": "QUESTION", "page one": "ANSWER"}
    pairs = {("Name:", "Lee Green"), ("Name:", "Chess"), ("Hobbies:", "page one")}

    report = evaluate(AnnotatedModel(labels, pairs), gold_pages([FORM]))

    assert report.ser == Score(5, 7, 6)
    assert report.ser_by_label == {
        "ANSWER": Score(3, 4, 3),
        "HEADER": Score(0, 0, 1),
        "QUESTION": Score(2, 3, 2),
    }
    assert report.ser_paddleocr == Score(5, 7, 6)
    assert report.re == report.re_paddleocr == Score(1, 2, 3)
    assert report.pairs_gold_lines == Score(1, 3, 3)


def test_a_pair_on_gold_lines_needs_both_entities():
    labels = {text: label for text, label in LABELS.items() if text != "Chess"}

    report = evaluate(AnnotatedModel(labels, PAIRS), gold_pages([FORM]))

    assert report.re == Score(3, 3, 3)
    assert report.pairs_gold_lines == Score(2, 2, 3)


class FixedModel(AnnotatedModel):
    """Finds one entity on every page: the given characters of line 0."""

    def __init__(self, start, end):
        super().__init__({}, set())
        self.span = LineSpan(0, start, end)

    def predict(self, pages):
        entity = Entity("QUESTION", "", (0.0,) * 8, 1.0, (self.span,))
        return [PageResult(page, (entity,)) for page in pages]


@pytest.mark.parametrize(("start", "end", "right"), [(0, 7, 1), (1, 6, 1), (1, 5, 0), (2, 7, 0)])
def test_white_space_around_an_entity_does_not_count_but_a_missing_letter_does(start, end, right):
    page = LabelledPage("p", 900, 500, (entry(1, " Name: ", "QUESTION", 40, 100),))

    assert evaluate(FixedModel(start, end), gold_pages([page])).ser == Score(right, 1, 1)


def long_page(lengths):
    """A question and an answer per row, of the given numbers of characters."""
    entries = []
    for row, (key, value) in enumerate(lengths):
        a, b = 2 * row, 2 * row + 1
        entries.append(entry(a, f"{row}" * key, "QUESTION", 40, 50 * row, [(a, b)]))
        entries.append(entry(b, chr(65 + row) * value, "ANSWER", 320, 50 * row, [(a, b)]))
    return LabelledPage("long.png", 900, 2000, tuple(entries))


def knows_all(page):
    texts = {e.id: e.text for e in page.entries}
    pairs = {(texts[a], texts[b]) for a, b in page.relations()}
    return AnnotatedModel({e.text: e.label for e in page.entries}, pairs)


def test_paddleocr_counts_the_first_512_tokens_only():
    # Ends of the lines in tokens: 100, 200 | 400, 511 | 600, 700.
    page = long_page([(100, 100), (200, 111), (89, 100)])
    model = knows_all(page)
    model.label_of_text["C" * 100] = "HEADER"

    report = evaluate(model, gold_pages([page]))

    assert report.ser == Score(5, 6, 6)
    assert report.ser_paddleocr == Score(5, 5, 5)
    assert report.re == Score(3, 3, 3)
    assert report.re_paddleocr == Score(2, 2, 2)
    assert [["0" * 100, "A" * 100, "1" * 200, "B" * 111]] in model.asked


def test_paddleocr_leaves_out_an_entity_that_ends_at_the_512th_token():
    page = long_page([(100, 100), (200, 112)])

    report = evaluate(knows_all(page), gold_pages([page]))

    assert report.ser_paddleocr == Score(4, 4, 4)
    assert report.re_paddleocr == Score(1, 1, 1)


def test_progress_reaches_every_page():
    told = []

    evaluate(AnnotatedModel({}, set()), gold_pages([FORM] * 40), lambda *news: told.append(news))

    assert told == [("gold lines", 32, 40), ("gold lines", 40, 40)]


def test_labels_of_another_resolution_are_noticed():
    half = LabelledPage("h.png", 1800, 1000, FORM.entries[:5])
    larger = LabelledPage("l.png", 450, 250, FORM.entries)

    assert scale_warning(gold_pages([FORM])) is None
    assert "smaller copy" in scale_warning(gold_pages([half]))
    assert scale_warning(gold_pages([half, FORM])) is None
    assert "beyond their pictures" in scale_warning(gold_pages([larger]))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A picture and a TIFF of two pages with different values, and their label file."""
    folder = tmp_path_factory.mktemp("labelled")
    second = {"Lee Green": "Mary Black", "Chess": "Skiing", "Rowing": "Ballet"}
    entries = tuple(replace(item, text=second.get(item.text, item.text)) for item in FORM.entries)
    pages = [
        LabelledPage("form.png", 900, 500, FORM.entries),
        LabelledPage("scan.tiff", 900, 500, FORM.entries),
        LabelledPage("scan.tiff", 900, 500, entries),
    ]
    draw(pages[0]).save(folder / "form.png")
    draw(pages[1]).save(folder / "scan.tiff", save_all=True, append_images=[draw(pages[2])])
    write_paddleocr(folder / "labels.txt", pages)
    return folder


def draw(page):
    picture = Image.new("RGB", (page.width_px, page.height_px), "white")
    pen = ImageDraw.Draw(picture)
    for item in page.entries:
        pen.text(item.polygon[:2], item.text, fill="black", font=ImageFont.load_default(28))
    return picture


class RuleModel(AnnotatedModel):
    """A line that ends with a colon is the key of all that follow it up to the next key."""

    def __init__(self):
        super().__init__({}, set())

    def predict(self, pages):
        return [self._page(page) for page in pages]

    def _page(self, page):
        entities, relations, key = [], [], None
        for index, line in enumerate(page.lines):
            label = "QUESTION" if line.text.rstrip().endswith(":") else "ANSWER"
            span = LineSpan(index, 0, len(line.text))
            entities.append(Entity(label, line.text, line.polygon, 1.0, (span,)))
            if label == "QUESTION":
                key = index
            elif key is not None:
                relations.append(Relation(key, index, 1.0))
        return PageResult(page, tuple(entities), tuple(relations))


@pytest.fixture(scope="module")
def engine():
    from beam_kie.ocr import OcrOptions, create_engine

    return create_engine("rapidocr", OcrOptions())


def test_pairs_are_found_in_the_picture_alone(labelled, engine):
    gold = gold_pages(read_labels(labelled / "labels.txt", labelled))
    told = []

    score = pairs_from_pictures(RuleModel(), engine, gold, labelled, lambda *news: told.append(news))

    # "page one" follows the last key, so the rule takes it for a value, on each of the three pages.
    assert score == Score(9, 12, 9)
    assert told == [("pictures", 1, 3), ("pictures", 2, 3), ("pictures", 3, 3)]


def test_only_the_selected_page_of_a_file_is_read(labelled, engine):
    gold = gold_pages(read_labels(labelled / "labels.txt", labelled))

    assert pairs_from_pictures(RuleModel(), engine, gold[2:], labelled) == Score(3, 4, 3)


def test_a_model_with_eyes_gets_the_upright_picture(labelled, engine):
    class Eyes(RuleModel):
        pictures = "paddleocr"

        def predict(self, pages):
            seen.extend(page.picture for page in pages)
            return super().predict(pages)

    seen = []
    gold = gold_pages(read_labels(labelled / "labels.txt", labelled))[:1]
    expected = page_thumbnail(np.asarray(Image.open(labelled / "form.png")), "paddleocr")

    pairs_from_pictures(Eyes(), engine, gold, labelled)
    evaluate(Eyes(), with_pictures(gold, labelled, "paddleocr"))

    assert seen == [expected] * 2


class NoEngine:
    name = revision = "none"

    def read(self, images):
        raise AssertionError("nothing to read")


def test_a_page_that_the_file_does_not_have_is_named(labelled):
    gold = gold_pages([FORM, FORM])

    with pytest.raises(PictureError, match=r"form\.png: there is no page 2"):
        pairs_from_pictures(RuleModel(), NoEngine(), gold[1:], labelled)


def test_a_picture_that_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "form.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)

    with pytest.raises(PictureError, match=r"form\.png"):
        pairs_from_pictures(RuleModel(), NoEngine(), gold_pages([FORM]), tmp_path)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A real model folder: a tiny network with random weights, one token a character."""
    folder = tmp_path_factory.mktemp("model")
    letters = sorted({letter for text in LABELS for letter in text} | set("page one"))
    vocabulary = {token: index for index, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *letters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    config = LayoutXLMConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        coordinate_size=6,
        shape_size=4,
        position_kind="line",
        relation_head="softmax",
        relation_size=16,
        name="tiny",
    )
    config.save(folder / "config.json")
    torch.manual_seed(7)
    save_file(LayoutXLM(config).state_dict(), folder / "model.safetensors")
    return folder


def run(*arguments, timeout=300):
    return subprocess.run(
        [sys.executable, "-m", "beam_kie.evaluation", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_the_command_prints_what_evaluate_finds(labelled, model_folder):
    done = run("--labels", labelled / "labels.txt", "--model", model_folder, "--json", "--device", "cpu")

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert list(figures) == [*SCORES, "pairs_from_image", "documents"]
    assert figures["documents"] == 3
    assert figures["pairs_from_image"] is None
    expected = evaluate(
        KieModel.load(model_folder, device="cpu"), gold_pages(read_labels(labelled / "labels.txt"))
    )
    assert figures == json.loads(json.dumps(expected.as_dict()))
    assert "gold lines: 3 of 3 pages" in done.stderr
    assert "3 labelled entries have no text" in done.stderr


def test_the_model_need_not_be_told_that_lines_are_entities(labelled, model_folder, capsys):
    def figures(*flags):
        assert (
            main(["--labels", str(labelled / "labels.txt"), "--model", str(model_folder), "--json", *flags])
            == 0
        )
        return json.loads(capsys.readouterr().out)

    told, mixed = figures(), figures("--mixed_lines")
    assert mixed["ser"] != told["ser"]
    assert mixed["re"] == told["re"]


def test_the_table_shows_every_figure_and_every_label(labelled, model_folder, capsys):
    assert main(["--labels", str(labelled / "labels.txt"), "--model", str(model_folder)]) == 0

    table = capsys.readouterr().out
    rows = ["SER, entities", "QUESTION", "ANSWER", "HEADER", "RE, gold entities", "SER as PaddleOCR"]
    for row in [*rows, "RE as PaddleOCR", "Key-value pairs, gold lines", "tiny"]:
        assert row in table
    assert "from the image" not in table


@pytest.mark.slow
def test_relations_may_come_from_a_second_model(labelled, model_folder, tmp_path, capsys):
    tokenizer = load_tokenizer(model_folder)
    network = small_network(vocab_size=tokenizer.get_vocab_size(), relation_head="biaffine", name="relating")
    relating = save_model(tmp_path / "relating", network, tokenizer)
    arguments = ["--labels", str(labelled / "labels.txt"), "--model", str(model_folder), "--json", "--quiet"]
    reports = []
    for more in ([], ["--re_model", str(relating)]):
        assert main([*arguments, *more]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    assert reports[0]["ser"] == reports[1]["ser"]
    assert reports[0]["re"] != reports[1]["re"]


def test_the_command_reads_pictures(labelled, model_folder):
    done = run(
        "--labels",
        labelled / "labels.txt",
        "--model",
        model_folder,
        "--images",
        labelled,
        "--json",
        "--quiet",
    )

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures["pairs_from_image"]) == {"precision", "recall", "f1"}
    assert all(0 <= value <= 1 for value in figures["pairs_from_image"].values())
    assert "pages\n" not in done.stderr


@pytest.mark.parametrize(
    ("selection", "documents"),
    [
        (["--only", "^scan"], 2),
        (["--pages", "2:3"], 2),
        (["--pages", "3:"], 1),
        (["--pages", ":2", "--only", "scan"], 1),
        (["--limit", "2"], 2),
    ],
)
def test_pages_can_be_selected(labelled, model_folder, capsys, selection, documents):
    arguments = ["--labels", str(labelled / "labels.txt"), "--model", str(model_folder), "--json"]

    assert main([*arguments, *selection]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == documents


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--labels", "{labels}/nothing.txt"], "nothing.txt: no such file"),
        (["--labels", "{labels}/bad.txt"], "bad.txt:2"),
        (["--model", "{labels}"], "no config.json"),
        (["--model", "{broken}"], "model.safetensors"),
        (["--images", "{labels}/nowhere"], "no such folder"),
        (["--images", "{broken}"], "3 pictures are not there, first form.png"),
        (["--only", "("], "not a regular expression"),
        (["--only", "nothing"], "none of its 3 pages"),
        (["--pages", "5"], "not FROM:TO"),
        (["--pages", "0:4"], "not FROM:TO"),
        (["--pages", "3:2"], "not FROM:TO"),
        (["--limit", "0"], "not a number from 1 up"),
        (["--batch_tokens", "-3"], "not a number from 1 up"),
        (["--limt", "3"], "--limt"),
        (["--device", "gpu"], "invalid choice"),
    ],
)
def test_mistakes_end_with_one_line_and_exit_code_2(
    labelled, model_folder, tmp_path, capsys, arguments, says
):
    first = (labelled / "labels.txt").read_text("utf-8").splitlines()[0]
    (labelled / "bad.txt").write_text(f"{first}\nform.png\t[not json\n", "utf-8")
    (tmp_path / "config.json").write_bytes((model_folder / "config.json").read_bytes())
    given = [argument.format(labels=labelled, broken=tmp_path) for argument in arguments]
    standard = ["--labels", str(labelled / "labels.txt"), "--model", str(model_folder)]

    assert main([*standard, *given]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert says in output.err
    assert output.err.count("\n") == 1


def test_a_model_with_eyes_asks_for_the_pictures(labelled, model_folder, monkeypatch, capsys):
    model = KieModel.load(model_folder, device="cpu")
    model.pictures = "hf"
    monkeypatch.setattr(KieModel, "load", lambda *_, **__: model)

    assert main(["--labels", str(labelled / "labels.txt"), "--model", str(model_folder)]) == 2
    assert "give their folder with --images" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not BUNDLED.is_file(), reason="model_store/bundled holds no model")
def test_the_bundled_model_is_measured_on_held_out_pages(shared_data):
    folder = shared_data / "xfund_zh_train"
    done = run(
        "--labels", folder / "train.json", "--model", "bundled", "--images", folder / "image",
        "--pages", "121:123", "--json",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["documents"] == 3
    assert figures["ser"]["f1"] > 0.6
    assert figures["re"]["f1"] > 0.6
    assert figures["pairs_gold_lines"]["f1"] > 0.4
    assert figures["pairs_from_image"]["f1"] > 0.2
