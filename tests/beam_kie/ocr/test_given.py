import io
import json

import numpy as np
import pytest

from beam_kie.document import Category, DocumentError, PageImage, PageText, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.ocr import OcrOptions, create_engine
from beam_kie.ocr.given import GivenLinesEngine, GivenPage, LinesFileError, read_lines_file

BOX = {"text": "Name:", "box": [10, 10, 50, 30], "confidence": 0.9}
NAME = TextLine("Name:", (10, 10, 50, 10, 50, 30, 10, 30), 0.9)


def page(number=1, given_lines=None, uri="scans/a.png"):
    return PageImage("id", uri, number, np.zeros((100, 200, 3), np.uint8), given_lines=given_lines)


def record(**changes):
    return {"uri": "scans/a.png", "page": 1, "lines": [BOX]} | changes


def read(*records):
    return read_lines_file(
        io.StringIO("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))
    )


def lines_of(*records):
    return read(*records)["scans/a.png", 1].on_page(200, 100)


def test_pages_by_uri_and_number():
    pages = read(record(), "", record(page=2, lines=[]), record(uri="gs://b/c.pdf"))
    assert list(pages) == [("scans/a.png", 1), ("scans/a.png", 2), ("gs://b/c.pdf", 1)]
    assert pages["scans/a.png", 1] == GivenPage((NAME,))
    assert pages["scans/a.png", 2] == GivenPage(())


def test_the_first_page_is_the_default():
    assert list(read({"uri": "a", "lines": []})) == [("a", 1)]


@pytest.mark.parametrize(
    "polygon", [[10, 10, 50, 10, 50, 30, 10, 30], [[10, 10], [50, 10], [50, 30], [10, 30]]]
)
def test_polygons_flat_and_as_points(polygon):
    assert lines_of(record(lines=[{"text": "Name:", "polygon": polygon, "confidence": 0.9}])) == (NAME,)


SIX = [10, 10, 30, 10, 50, 10, 50, 30, 30, 30, 10, 30]


@pytest.mark.parametrize(
    "shape",
    [
        {"polygon": SIX},
        {"polygon": [10, 20, 20, 10, 40, 10, 50, 20, 40, 30, 20, 30]},
        {"polygon": [10, 10, 50, 10, 50, 30]},
        {"polygon": [10, 10, 50, 30]},
        # corners that are not in order
        {"polygon": [10, 10, 50, 30, 50, 10, 10, 30]},
        {"polygon": [{"x": 10, "y": 10}, {"x": 50, "y": 10}, {"x": 50, "y": 30}, {"x": 10, "y": 30}]},
        {"polygon": [{"X": 10, "Y": 10}, {"X": 50, "Y": 10}, {"X": 50, "Y": 30}, {"X": 10, "Y": 30}]},
        {"box": {"left": 10, "top": 10, "right": 50, "bottom": 30}},
        {"box": {"Left": 10, "Top": 10, "Width": 40, "Height": 20}},
        {"box": {"x0": 10, "y0": 10, "x1": 50, "y1": 30}},
        {"box": {"x1": 10, "y1": 10, "x2": 50, "y2": 30}},
        {"box": {"x": 10, "y": 10, "w": 40, "h": 20}},
        {"box": [[10, 10], [50, 30]]},
        {"box": [[10, 10], [50, 10], [50, 30], [10, 30]]},
        {"box": [50, 30, 10, 10]},
    ],
)
def test_any_usual_notation_of_corners(shape):
    (line,) = lines_of(record(lines=[{"text": "Name:", "confidence": 0.9} | shape]))
    assert line == NAME


def test_tilted_lines_stay_tilted_whatever_their_number_of_corners():
    tilted = [10, 10, 30, 15, 50, 20, 48, 28, 28, 23, 8, 18]
    (line,) = lines_of(record(lines=[{"text": "a", "polygon": tilted}]))
    assert line.polygon == pytest.approx([10, 10, 50, 20, 48, 28, 8, 18])


def test_confidences_in_percent():
    lines = lines_of(record(lines=[BOX | {"confidence": 90}, BOX | {"text": "b", "confidence": 1}]))
    assert [line.confidence for line in lines] == pytest.approx([0.9, 0.01])


def test_words_are_joined_to_lines():
    words = [
        {"text": "Li", "box": [60, 11, 70, 31], "confidence": 0.5},
        {"text": "Name:", "box": [10, 10, 50, 30], "confidence": 0.9},
        {"text": "far", "box": [150, 10, 180, 30]},
        {"text": "李", "box": [10, 50, 29, 70]},
        {"text": "雷", "box": [31, 50, 50, 70]},
    ]
    lines = lines_of({"uri": "scans/a.png", "words": words})
    assert [line.text for line in lines] == ["Name: Li", "far", "李雷"]
    assert lines[0].box == (10, 10, 70, 31)
    assert lines[0].confidence == pytest.approx(0.7)
    assert lines_of(record(lines=[{"words": words[:2][::-1]}]))[0].text == "Name: Li"


def test_lines_outside_the_page_are_a_failure_of_the_page():
    inside, outside = BOX, BOX | {"box": [300, 10, 400, 30]}
    engine = GivenLinesEngine(read(record(lines=[inside, outside])))
    with pytest.raises(DocumentError, match=r'1 of 2 given lines.*200 x 100 pixels.*"width"') as caught:
        engine.read([page()])
    assert caught.value.category == Category.OCR_FAILED
    (text,) = GivenLinesEngine(read(record(lines=[inside, outside], width=400, height=100))).read([page()])
    assert [line.text for line in text.lines] == ["Name:", "Name:"]


def test_confidence_may_be_left_out_and_low():
    (unknown, low) = lines_of(
        record(
            lines=[
                {"text": "a", "box": [0, 0, 9, 9]},
                {"text": "b", "box": [20, 0, 29, 9], "confidence": 0.1},
            ]
        )
    )
    assert unknown.confidence is None
    assert low.confidence == pytest.approx(0.1)


def test_coordinates_of_another_size_are_scaled_to_the_page():
    (line,) = lines_of(record(width=400, height=1000))
    assert line.box == (5, 1, 25, 3)


def test_lines_are_put_in_reading_order_and_onto_the_page():
    below = {"text": "below", "box": [10, 50, 50, 70]}
    right = {"text": "right", "box": [150, 10, 250, 30]}
    blank = {"text": "  ", "box": [0, 0, 5, 5]}
    lines = lines_of(record(lines=[below, right, blank, BOX]))
    assert [line.text for line in lines] == ["Name:", "right", "below"]
    assert lines[1].box == (150, 10, 200, 30)


def test_byte_order_mark_is_ignored():
    assert len(read("\ufeff" + json.dumps(record()))) == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('{"uri": "secret', "not JSON"),
        ("[1, 2]", "a JSON object"),
        (record(uri=None), '"uri"'),
        (record(uri=""), '"uri"'),
        (record(page=0), '"page"'),
        (record(page="1"), '"page"'),
        (record(page=True), '"page"'),
        (record(lines=None), '"lines"'),
        ("[" * 100_000, "nested too deeply"),
        ('{"uri": "secret", "page": ' + "9" * 5000 + "}", "too many digits"),
        (record(width=1e-320, height=10), '"width" and "height"'),
        (record(width=100), '"width" and "height"'),
        (record(width=0, height=10), '"width" and "height"'),
        (record(whole_lines="secret"), '"whole_lines" must be true or false'),
        (record(lines=[BOX, "secret"]), r"lines\[1\].*\"text\""),
        (record(lines=[{"text": 5, "box": [1, 2, 3, 4]}]), r"lines\[0\].*\"text\""),
        (record(lines=[{"text": "secret"}]), '"polygon" with the corners or "box"'),
        (record(lines=[{"text": "secret", "box": [1, 2, 3]}]), '"box"'),
        (record(lines=[{"text": "secret", "box": [1, 2, 3, "4"]}]), '"box" must be numbers'),
        (record(lines=[{"text": "secret", "box": [1, 2, 3, float("nan")]}]), '"box" must be numbers'),
        (record(lines=[{"text": "secret", "box": [1, 2, 3, 10**400]}]), '"box" must be numbers'),
        (record(lines=[{"text": "secret", "polygon": [1, 2, 3, 4, 5]}]), "even number of numbers"),
        (record(lines=[{"text": "secret", "polygon": [[1], [2]]}]), '"polygon" must'),
        (record(lines=[{"text": "secret", "polygon": {"x": 1}}]), '"polygon" must'),
        (record(lines=[{"text": "secret", "polygon": [{"x": 1, "z": 2}] * 4}]), '"x" and "y"'),
        (record(lines=[{"text": "secret", "box": {"left": 1, "top": 2}}]), '"box" must have left, top'),
        (record(lines=[{"text": "secret", "box": [10, 10, 10, 30]}]), "no width or no height"),
        (record(lines=[{"text": "secret", "polygon": [1, 1, 5, 5, 9, 9, 7, 7]}]), "no width or no height"),
        (record(lines=None, words=5), '"lines"'),
        ({"uri": "b", "words": [{"text": "secret"}]}, r"words\[0\]"),
        (record(lines=[BOX | {"confidence": 101}]), '"confidence" must lie in'),
        (record(lines=[BOX | {"confidence": -1}]), '"confidence" must lie in'),
        (record(lines=[BOX, BOX | {"confidence": 95}]), "partly in 0..1 and partly in percent"),
        (record(lines=[BOX | {"confidence": "high"}]), '"confidence"'),
        (record(), "page 1 of this uri is already on line 1"),
    ],
)
def test_errors_name_the_line_but_not_its_text(bad, message):
    with pytest.raises(LinesFileError, match=message) as caught:
        read(record(), "", bad)
    assert str(caught.value).startswith("line 3 of the OCR lines: ")
    assert "secret" not in str(caught.value)


class Shouting:
    """An engine that reads every page as its number."""

    name, revision = "shouting", "1"

    def __init__(self):
        self.asked = []

    def read(self, images):
        self.asked.append([image.page for image in images])
        line = box_polygon((0, 0, 10, 10))
        return [
            PageText("id", i.uri, i.page, 200, 100, lines=(TextLine(str(i.page), line, 1.0),)) for i in images
        ]


def test_the_users_file_comes_before_the_text_layer_and_that_before_the_engine():
    layer = (TextLine("layer", box_polygon((0, 0, 50, 10))),)
    ocr = Shouting()
    engine = GivenLinesEngine(read(record(page=2), record(page=5)), ocr)
    texts = engine.read([page(4), page(3, layer), page(2), page(5, layer), page(1)])
    assert [text.lines[0].text for text in texts] == ["4", "layer", "Name:", "Name:", "1"]
    assert [text.text_source for text in texts] == ["ocr", "pdf", "given", "given", "ocr"]
    assert [text.page for text in texts] == [4, 3, 2, 5, 1]
    assert ocr.asked == [[4, 1]]
    assert (engine.name, engine.revision) == ("shouting", "1")


def test_lines_may_be_declared_whole():
    for said, known in ((True, True), (False, False)):
        (text,) = GivenLinesEngine(read(record(whole_lines=said))).read([page()])
        assert text.whole_lines is known


def test_the_engine_is_left_alone_where_everything_is_given():
    ocr = Shouting()
    (text,) = GivenLinesEngine(read(record()), ocr).read([page()])
    assert (text.width_px, text.height_px, text.rotation_deg) == (200, 100, 0)
    assert ocr.asked == []


def test_a_page_that_the_file_says_is_empty_is_not_missing():
    (text,) = GivenLinesEngine(read(record(lines=[]))).read([page()])
    assert text.lines == ()


def test_a_page_without_lines_and_engine_is_a_failure_that_says_what_to_do():
    engine = GivenLinesEngine(read(record()))
    with pytest.raises(DocumentError, match=r"page 7 of this document.*file of OCR lines") as caught:
        engine.read([page(), page(7)])
    assert caught.value.category == Category.OCR_MISSING


def test_no_engine_reads_text_layers_alone():
    engine = create_engine(OcrOptions(engine="none"))
    assert engine.read([page(given_lines=())])[0].lines == ()
    with pytest.raises(DocumentError):
        engine.read([page()])


def test_the_revision_of_given_lines_follows_their_text():
    first, second = read(record()), read(record(lines=[BOX | {"text": "Other:"}]))
    assert GivenLinesEngine(first).revision == GivenLinesEngine(dict(first)).revision
    assert GivenLinesEngine(first).revision != GivenLinesEngine(second).revision
    whole = read(record(whole_lines=True))
    assert GivenLinesEngine(first).revision != GivenLinesEngine(whole).revision


def test_half_of_a_character_is_no_letter_of_a_line():
    text = r'{"uri": "scans/a.png", "lines": [{"text": "a\ud800\ud83d\ude00", "box": [10, 10, 50, 30]}]}'
    assert [line.text for line in lines_of(text)] == ["a\ufffd\U0001f600"]


@pytest.mark.parametrize("data", [b'{"uri": "\xe4"}', json.dumps({"uri": "a"}).encode("utf-16")])
def test_a_file_that_is_not_utf8_is_refused_in_one_line(data):
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    with pytest.raises(LinesFileError, match="not UTF-8"):
        read_lines_file(stream)
