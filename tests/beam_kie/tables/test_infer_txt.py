import dataclasses
import json

import pytest

from beam_kie.document import Entity, LineSpan, PageResult, Relation, TextLine
from beam_kie.geometry import box_polygon
from beam_kie.tables.infer_txt import label_ids, page_name, ser_items, ser_line, ser_re_items, ser_re_line
from tests import pages

IDS = label_ids()


def entity(label, *spans, polygon=(0, 0, 9, 0, 9, 9, 0, 9)):
    return Entity(label, "text", polygon, 0.9, tuple(LineSpan(*span) for span in spans))


def labels_of(*entities, text="0123456789"):
    page = pages.page_text(lines=(TextLine(text, box_polygon((0, 0, 100, 10))),) * 2)
    return [item["pred"] for item in ser_items(PageResult(page, entities), IDS)]


def test_line_is_what_paddleocr_writes():
    form = [("QUESTION", "姓名:", (100.6, 200, 220, 240.9)), ("ANSWER", "李 “雷”", (260, 200, 360, 240))]
    name, content = ser_line(pages.result(form=form, links=[]), IDS).split("\t")
    assert name == "gs://scans/form.jpg"
    assert "姓名:" in content
    assert json.loads(content) == {
        "ocr_info": [
            {
                "transcription": "姓名:",
                "bbox": [100, 200, 220, 240],
                "points": [[100.6, 200.0], [220.0, 200.0], [220.0, 240.9], [100.6, 240.9]],
                "pred_id": 1,
                "pred": "QUESTION",
            },
            {
                "transcription": "李 “雷”",
                "bbox": [260, 200, 360, 240],
                "points": [[260.0, 200.0], [360.0, 200.0], [360.0, 240.0], [260.0, 240.0]],
                "pred_id": 3,
                "pred": "ANSWER",
            },
        ]
    }


def test_every_line_has_an_item_also_those_in_no_entity():
    result = pages.result()
    items = ser_items(PageResult(result.page, result.entities[:2]), IDS)
    assert [item["transcription"] for item in items] == [text for _, text, _ in pages.FORM]
    assert [(item["pred_id"], item["pred"]) for item in items] == [(5, "HEADER"), (1, "QUESTION")] + [
        (0, "O")
    ] * 6


def test_line_has_the_label_of_the_entity_that_covers_most_of_it():
    short, long = entity("QUESTION", (0, 0, 3)), entity("ANSWER", (0, 3, 10))
    assert labels_of(short, long) == labels_of(long, short) == ["ANSWER", "O"]
    both_lines = entity("HEADER", (0, 0, 2), (1, 0, 10))
    assert labels_of(both_lines, long) == ["ANSWER", "HEADER"]
    in_parts = entity("QUESTION", (0, 0, 3), (0, 7, 10))
    assert labels_of(in_parts, entity("ANSWER", (0, 3, 7))) == ["QUESTION", "O"]


def test_of_equals_the_lower_number_wins_as_in_paddleocr():
    halves = entity("HEADER", (0, 0, 5)), entity("ANSWER", (0, 5, 10))
    assert labels_of(*halves) == labels_of(*halves[::-1]) == ["ANSWER", "O"]


def test_empty_span_labels_nothing():
    assert labels_of(entity("HEADER", (0, 4, 4))) == ["O", "O"]


def test_standard_labels_have_paddleocrs_numbers_and_others_those_of_their_order():
    standard = {"O": 0, "QUESTION": 1, "ANSWER": 3, "HEADER": 5}
    assert label_ids() == label_ids(["HEADER", "QUESTION", "ANSWER"]) == standard
    assert label_ids(["ANSWER", "QUESTION"]) == standard
    assert label_ids(["WEIGHT", "HEADER", "Shipper"]) == {"O": 0, "WEIGHT": 1, "HEADER": 3, "Shipper": 5}


def test_label_is_written_in_upper_case():
    result = pages.result(form=[("Shipper", "ACME", (0, 0, 9, 9))], links=[])
    (item,) = ser_items(result, label_ids(["Shipper"]))
    assert (item["pred_id"], item["pred"]) == (1, "SHIPPER")


def test_only_related_entities_stand_in_the_pairs_and_in_order():
    links = [(5, 6, 0.7), (1, 4, 0.9), (1, 2, 0.9), (5, 6, 0.2)]
    result = pages.result(links=links)
    pairs = ser_re_items(result, IDS)
    assert [[head["transcription"], tail["transcription"]] for head, tail in pairs] == [
        ["姓名:", "李雷"],
        ["姓名:", "2001-02-03"],
        ["Gebühr", "1.234,50 €"],
    ]
    assert [(head["pred_id"], tail["pred"]) for head, tail in pairs] == [(1, "ANSWER")] * 3
    assert pairs[0][0]["bbox"] == [100, 200, 220, 240]
    assert json.loads(ser_re_line(result, IDS).split("\t")[1]) == {"ocr_info": pairs}


def test_polygon_of_another_shape_has_the_corners_of_its_box():
    polygon = (0, 0, 50, 0, 50, 10, 20, 10, 20, 30, 0, 30)
    entities = (entity("QUESTION", (0, 0, 1), polygon=polygon), entity("ANSWER", (1, 0, 1)))
    result = PageResult(pages.page_text(), entities, (Relation(0, 1, 0.9),))
    ((head, _),) = ser_re_items(result, IDS)
    assert head["points"] == [[0, 0], [50, 0], [50, 30], [0, 30]]
    assert head["bbox"] == [0, 0, 50, 30]


def test_page_without_text_has_an_empty_line():
    empty = pages.result(form=[], links=[])
    assert ser_line(empty, IDS) == ser_re_line(empty, IDS) == 'gs://scans/form.jpg\t{"ocr_info": []}'


def test_pages_after_the_first_are_named():
    assert [page_name("a.pdf", page) for page in (1, 2, 10)] == ["a.pdf", "a.pdf#page=2", "a.pdf#page=10"]


def test_line_stays_one_line_of_two_columns():
    form = [("ANSWER", "a\tb\nc\rd", (0, 0, 9, 9))]
    line = ser_line(pages.result("odd\tname\n.jpg", form=form, links=[]), IDS)
    assert line.count("\t") == 1 and "\n" not in line and "\r" not in line
    assert line.startswith("gs://scans/odd%09name%0A.jpg\t")
    assert json.loads(line.split("\t")[1])["ocr_info"][0]["transcription"] == "a\tb\nc\rd"


@pytest.mark.parametrize("link", [(1, 99), (-1, 2)])
def test_relation_to_nothing_is_an_error(link):
    result = dataclasses.replace(pages.result(), relations=(Relation(*link, 0.9),))
    with pytest.raises(ValueError, match="does not join"):
        ser_re_line(result, IDS)


def test_label_that_the_model_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="'HEADER' is not one of the model's: O, WEIGHT"):
        ser_line(pages.result(), label_ids(["WEIGHT"]))
