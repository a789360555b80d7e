"""Readers and writer of label formats."""

import dataclasses
import json

import pytest
from PIL import Image

from beam_kie.labelled.formats import (
    LabelError,
    LabelledEntry,
    LabelledPage,
    file_and_page,
    read_labels,
    write_paddleocr,
)

BOX = (10.0, 20.0, 110.0, 20.0, 110.0, 40.0, 10.0, 40.0)


def entry(number, label, links=(), text="text"):
    return LabelledEntry(number, text, label, BOX, tuple(links))


def test_paddleocr_format_survives_a_round_trip(tmp_path):
    page = LabelledPage("a.jpg", 111, 41, (entry(3, "QUESTION", [(3, 5)], "姓名："), entry(5, "ANSWER")))
    path = tmp_path / "labels.txt"
    other = dataclasses.replace(page, name="b.jpg#page=2")
    write_paddleocr(path, [page, other])
    assert read_labels(path) == [page, other]


def test_a_name_that_comes_again_is_the_next_page_of_its_file(tmp_path):
    page = LabelledPage("a.tif", 111, 41, (entry(3, "QUESTION"),))
    write_paddleocr(tmp_path / "labels.txt", [page, page, page])
    names = [each.name for each in read_labels(tmp_path / "labels.txt")]
    assert names == ["a.tif", "a.tif#page=2", "a.tif#page=3"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.tif#page=2", ("a.tif", 2)),
        ("a.tif", ("a.tif", 1)),
        ("a#page=1#page=3", ("a#page=1", 3)),
        ("a.tif#page=0", ("a.tif#page=0", 1)),
        ("a.tif#page=x", ("a.tif#page=x", 1)),
        ("#page=2", ("#page=2", 1)),
    ],
)
def test_names_of_pages(name, place):
    assert file_and_page(name) == place


def test_sizes_are_those_of_the_page_in_its_file(tmp_path):
    first, second = Image.new("L", (300, 200), 255), Image.new("L", (500, 400), 255)
    for name in ("a.tif", "a.pdf"):
        first.save(tmp_path / name, save_all=True, append_images=[second], resolution=200)
        labels = [LabelledPage(f"{name}#page={n}", 1, 1, (entry(0, "OTHER"),)) for n in (1, 2)]
        write_paddleocr(tmp_path / "labels.txt", labels)
        pages = read_labels(tmp_path / "labels.txt", images=tmp_path)
        assert [(page.width_px, page.height_px) for page in pages] == [(300, 200), (500, 400)]


def test_page_size_comes_from_the_picture_where_it_is_given(tmp_path):
    Image.new("L", (300, 200)).save(tmp_path / "a.png")
    page = LabelledPage("a.png", 1, 1, (entry(0, "OTHER"),))
    write_paddleocr(tmp_path / "labels.txt", [page])
    (read,) = read_labels(tmp_path / "labels.txt", images=tmp_path)
    assert (read.width_px, read.height_px) == (300, 200)
    (read,) = read_labels(tmp_path / "labels.txt")
    assert (read.width_px, read.height_px) == (111, 41)


def test_xfund_json(tmp_path):
    item = {
        "box": [10, 20, 110, 40],
        "text": "Name: Li",
        "label": "question",
        "words": [{"box": [10, 20, 50, 40], "text": "Name:"}],
        "linking": [[0, 1]],
        "id": 0,
    }
    image = {"fname": "de_0.jpg", "width": 2480, "height": 3508}
    path = tmp_path / "de.json"
    path.write_text(json.dumps({"documents": [{"img": image, "document": [item]}]}))
    (page,) = read_labels(path)
    assert (page.name, page.width_px, page.height_px) == ("de_0.jpg", 2480, 3508)
    (read,) = page.entries
    assert (read.label, read.polygon, read.links) == ("QUESTION", BOX, ((0, 1),))
    assert read.words[0].text == "Name:" and read.words[0].box == (10, 20, 50, 40)


def test_funsd_folder(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images").mkdir()
    Image.new("L", (77, 99)).save(tmp_path / "images" / "b.png")
    form = [{"box": [1, 2, 3, 4], "text": "x", "label": "answer", "words": [], "linking": [], "id": 7}]
    for name in ("b", "a"):
        (tmp_path / "annotations" / f"{name}.json").write_text(json.dumps({"form": form}))
    first, second = read_labels(tmp_path)
    assert [first.name, second.name] == ["a.png", "b.png"]
    assert (second.width_px, second.height_px) == (77, 99)
    assert (first.width_px, first.height_px) == (4, 5)


def test_relations_turn_answers_round_and_drop_the_rest():
    page = LabelledPage(
        "a",
        1,
        1,
        (
            entry(0, "HEADER", [(0, 1)]),
            entry(1, "QUESTION", [(1, 2), (0, 1), (1, 3)]),
            entry(2, "ANSWER", [(1, 2)]),
            entry(3, "QUESTION"),
            entry(4, "ANSWER", [(4, 3), (4, 99)]),
        ),
    )
    assert page.relations() == [(1, 2), (3, 4)]


def test_other_is_not_an_entity():
    assert entry(0, "QUESTION").is_entity
    assert not entry(0, "OTHER").is_entity


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.jpg\t[]\nno tab here", ":2:"),
        ("a.jpg\t[{", ":1:"),
        ('a.jpg\t[{"transcription": "x"}]', ":1:"),
        ('{"documents": [{}]}', "XFUND"),
    ],
)
def test_errors_name_the_place(tmp_path, text, says):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(LabelError, match=says):
        read_labels(path)


def test_missing_file_and_empty_folder(tmp_path):
    with pytest.raises(LabelError, match="cannot read"):
        read_labels(tmp_path / "none.txt")
    with pytest.raises(LabelError, match=r"no \*\.json"):
        read_labels(tmp_path)


def test_real_labels(shared_data):
    folder = shared_data / "xfund_zh_train"
    pages = read_labels(folder / "train.json", folder / "image")
    assert len(pages) == 149
    assert (pages[0].width_px, pages[0].height_px) == (1240, 1754)
    assert sum(len(page.relations()) for page in pages) > 4000
    assert len(read_labels(shared_data / "funsd_train")) == 149


def test_line_separators_inside_a_text_do_not_end_the_line(tmp_path):
    text = "a\u2028b\x85c\x0bd"
    page = LabelledPage("a.png", 50, 40, (LabelledEntry(0, text, "OTHER", (0.0, 0, 9, 0, 9, 9, 0, 9)),))
    write_paddleocr(tmp_path / "labels.txt", [page, page])

    assert [page.entries[0].text for page in read_labels(tmp_path / "labels.txt")] == [text, text]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "labels.txt").write_text("a.png\t[]\n", "utf-8-sig")

    assert [page.name for page in read_labels(tmp_path / "labels.txt")] == ["a.png"]


def test_page_size_is_that_of_the_upright_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 200)).save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "labels.txt").write_text("turned.jpg\t[]\n")

    (page,) = read_labels(tmp_path / "labels.txt", tmp_path)
    assert (page.width_px, page.height_px) == (200, 300)


def test_page_size_is_the_extent_where_the_picture_has_no_pixels(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n")
    entry = LabelledEntry(0, "x", "OTHER", (0.0, 0, 9, 0, 9, 7, 0, 7))
    write_paddleocr(tmp_path / "labels.txt", [LabelledPage("a.pdf", 50, 40, (entry,))])

    (page,) = read_labels(tmp_path / "labels.txt", tmp_path)
    assert (page.width_px, page.height_px) == (10, 8)


POINTS = [[0, 0], [9, 0], [9, 9], [0, 9]]
SEGMENT = {"id": 0, "text": "x", "box": [0, 0, 9, 9], "label": "question", "linking": [], "words": []}


@pytest.mark.parametrize(
    "entries",
    [
        "[null]",
        "[" * 100_000,
        json.dumps([{"transcription": "x", "points": [[0, 0], [9]]}]),
        json.dumps([{"transcription": "x", "points": []}]),
        json.dumps([{"transcription": "x", "points": [[0, 0], [float("nan"), 1]]}]),
        json.dumps([{"transcription": "x", "points": POINTS, "id": float("inf")}]),
        json.dumps([{"transcription": "x", "points": POINTS, "linking": [[float("-inf"), 1]]}]),
    ],
)
def test_values_that_make_no_entry_are_errors_of_the_line(tmp_path, entries):
    path = tmp_path / "labels.txt"
    path.write_text(f"a.png\t[]\na.png\t{entries}")
    with pytest.raises(LabelError, match=r"labels\.txt:2"):
        read_labels(path)


@pytest.mark.parametrize(
    ("image", "segment"),
    [
        ({}, {"text": None}),
        ({}, {"box": [0, 0, 1e300, 9]}),
        ({}, {"words": [{"text": 7, "box": [0, 0, 9, 9]}]}),
        ({"width": 0}, {}),
        ({"height": float("inf")}, {}),
        ({"fname": ["a.png"]}, {}),
    ],
)
def test_values_that_make_no_page_are_errors_of_the_file(tmp_path, image, segment):
    image = {"fname": "a.png", "width": 20, "height": 10, **image}
    path = tmp_path / "xfund.json"
    path.write_text(json.dumps({"documents": [{"img": image, "document": [SEGMENT | segment]}]}))
    with pytest.raises(LabelError, match=r"xfund\.json"):
        read_labels(path)


def test_half_of_a_character_is_no_letter_of_a_label(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("a.png\t" + json.dumps([{"transcription": "a\ud800", "points": POINTS}]))
    pages = read_labels(path)
    assert pages[0].entries[0].text == "a\ufffd"
    write_paddleocr(tmp_path / "again.txt", pages)


@pytest.mark.parametrize("name", ["x" * 300, "damaged.png"])
def test_page_size_is_the_extent_where_the_picture_cannot_be_opened(tmp_path, name):
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    path = tmp_path / "labels.txt"
    path.write_text(f"{name}\t" + json.dumps([{"transcription": "x", "points": [[-9, -9], [-5, -5]]}]))
    (page,) = read_labels(path, tmp_path)
    assert (page.width_px, page.height_px) == (1, 1)
