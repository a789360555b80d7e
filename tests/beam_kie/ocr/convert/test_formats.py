"""One page in every format: 400 x 200 pixels, "Name:" and, in two words, "Li Lei".

The files are written after the formats' public specifications.
"""

import json

import pytest

from beam_kie.ocr.convert.formats import read_file
from beam_kie.ocr.convert.found import FormatError, row_of, usable
from beam_kie.ocr.given import read_lines_file

NAME, VALUE = [20, 20, 100, 40], [120, 20, 200, 44]
CORNERS = {"Name:": [20, 20, 100, 20, 100, 40, 20, 40], "Li Lei": [120, 20, 200, 20, 200, 44, 120, 44]}


def points(box, x="x", y="y", across=1, down=1):
    x0, y0, x1, y1 = box
    return [{x: px / across, y: py / down} for px, py in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]


def flat(box, scale=1):
    return [value / scale for point in points(box) for value in point.values()]


def pairs(box):
    return [list(point.values()) for point in points(box)]


PADDLE_3 = {
    "input_path": "scans/a.png",
    "page_index": None,
    "dt_polys": [pairs(NAME), pairs(VALUE), pairs([0, 0, 9, 9])],
    "rec_texts": ["Name:", "Li Lei"],
    "rec_scores": [0.9, 0.8],
    "rec_polys": [pairs(NAME), pairs(VALUE)],
    "rec_boxes": [NAME, VALUE],
}
PADDLE_2 = [[[pairs(NAME), ["Name:", 0.9]], [pairs(VALUE), ["Li Lei", 0.8]]]]
LABELS = "scans/a.png\t" + json.dumps(
    [{"transcription": "Name:", "points": pairs(NAME)}, {"transcription": "Li Lei", "points": pairs(VALUE)}]
)
HOCR = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><head><title></title>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8" /><meta name='ocr-system' content='x' />
</head><body>
<div class='ocr_page' id='page_1' title='image "scans/a.png"; bbox 0 0 400 200; ppageno 0; scan_res 70 70'>
 <div class='ocr_carea' title="bbox 20 20 200 44"><p class='ocr_par' lang='eng' title="bbox 20 20 200 44">
  <span class='ocr_line' title="bbox 20 20 100 40; baseline 0 -5; x_size 20">
   <span class='ocrx_word' title='bbox 20 20 100 40; x_wconf 90'><strong>Name:</strong></span></span>
  <span class='ocr_header' title="bbox 120 20 200 44">
   <span class='ocrx_word' title='bbox 120 20 150 44; x_wconf 70'>Li</span>
   <span class='ocrx_word' title='bbox 155 20 200 44; x_wconf 90'>Lei</span></span>
 </p></div>
</div></body></html>"""
ALTO = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>mm10</MeasurementUnit>
<sourceImageInformation><fileName>scans/a.png</fileName></sourceImageInformation></Description>
<Layout><Page ID="p" PHYSICAL_IMG_NR="1" WIDTH="800" HEIGHT="400"><PrintSpace>
<TextBlock ID="b"><TextLine HPOS="40" VPOS="40" WIDTH="160" HEIGHT="40">
<String CONTENT="Name:" HPOS="40" VPOS="40" WIDTH="160" HEIGHT="40" WC="0.9"/></TextLine>
<TextLine HPOS="1" VPOS="1" WIDTH="2" HEIGHT="2">
<Shape><Polygon POINTS="240,40 400,40 400,88 240,88"/></Shape>
<String CONTENT="Li" HPOS="240" VPOS="40" WIDTH="60" HEIGHT="48" WC="0.7"/><SP/>
<String CONTENT="Lei" HPOS="310" VPOS="40" WIDTH="90" HEIGHT="48" WC="0.9"/></TextLine></TextBlock>
</PrintSpace></Page></Layout></alto>"""


def google_layout(box, start, end, confidence, vertices="normalizedVertices"):
    corners = points(box, across=400, down=200) if vertices == "normalizedVertices" else points(box)
    segment = {"startIndex": str(start), "endIndex": str(end)} if start else {"endIndex": str(end)}
    return {
        "layout": {
            "textAnchor": {"textSegments": [segment]},
            "confidence": confidence,
            "boundingPoly": {vertices: corners},
        }
    }


DOCUMENT_AI = {
    "uri": "",
    "mimeType": "image/png",
    "text": "Name:\nLi Lei\n",
    "pages": [
        {
            "pageNumber": 1,
            "dimension": {"width": 400, "height": 200, "unit": "pixels"},
            "lines": [google_layout(NAME, 0, 6, 0.9), google_layout(VALUE, 6, 13, 0.8, "vertices")],
        }
    ],
}


def textract(kind, box, **rest):
    x0, y0, x1, y1 = box
    edges = {"Left": x0 / 400, "Top": y0 / 200, "Width": (x1 - x0) / 400, "Height": (y1 - y0) / 200}
    polygon = points(box, "X", "Y", 400, 200)
    return {"BlockType": kind, "Geometry": {"BoundingBox": edges, "Polygon": polygon}, "Id": "i", **rest}


TEXTRACT = {
    "DocumentMetadata": {"Pages": 1},
    "Blocks": [
        textract("PAGE", [0, 0, 400, 200]),
        textract("LINE", NAME, Text="Name:", Confidence=90),
        textract("LINE", VALUE, Text="Li Lei", Confidence=80.0),
        textract("WORD", NAME, Text="Name:", Confidence=90),
    ],
}
AZURE = {
    "status": "succeeded",
    "analyzeResult": {
        "apiVersion": "2024-11-30",
        "modelId": "prebuilt-read",
        "content": "Name:\nLi Lei",
        "pages": [
            {
                "pageNumber": 1,
                "width": 4.0,
                "height": 2.0,
                "unit": "inch",
                "words": [
                    {"content": "Name:", "confidence": 0.9, "span": {"offset": 0, "length": 5}},
                    {"content": "Li", "confidence": 0.7, "span": {"offset": 6, "length": 2}},
                    {"content": "Lei", "confidence": 0.9, "span": {"offset": 9, "length": 3}},
                ],
                "lines": [
                    {"content": "Name:", "polygon": flat(NAME, 100), "spans": [{"offset": 0, "length": 5}]},
                    {"content": "Li Lei", "polygon": flat(VALUE, 100), "spans": [{"offset": 6, "length": 6}]},
                ],
            }
        ],
    },
}
AZURE_2 = {
    "analyzeResult": {
        "version": "2.1",
        "readResults": [
            {
                "page": 1,
                "width": 400,
                "height": 200,
                "unit": "pixel",
                "lines": [
                    {
                        "text": "Name:",
                        "boundingBox": flat(NAME),
                        "words": [{"text": "Name:", "confidence": 0.9}],
                    },
                    {
                        "text": "Li Lei",
                        "boundingBox": flat(VALUE),
                        "words": [{"text": "Li", "confidence": 0.8}],
                    },
                ],
            }
        ],
    }
}


def pages_of(tmp_path, content, encoding="utf-8"):
    path = tmp_path / "found"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding=encoding)
    return read_file(path)


@pytest.mark.parametrize(
    ("content", "uri", "confidences"),
    [
        (PADDLE_3, "scans/a.png", (0.9, 0.8)),
        ({"res": PADDLE_3}, "scans/a.png", (0.9, 0.8)),
        ([PADDLE_3], "scans/a.png", (0.9, 0.8)),
        (PADDLE_2, None, (0.9, 0.8)),
        (PADDLE_2[0], None, (0.9, 0.8)),
        (LABELS, "scans/a.png", (None, None)),
        (HOCR, "scans/a.png", (0.9, 0.8)),
        (HOCR.replace("</p>", ""), "scans/a.png", (0.9, 0.8)),
        (ALTO, "scans/a.png", (0.9, 0.8)),
        (ALTO.replace("<SP/>", ""), "scans/a.png", (0.9, 0.8)),
        (DOCUMENT_AI, None, (0.9, 0.8)),
        ({"document": DOCUMENT_AI}, None, (0.9, 0.8)),
        (TEXTRACT, None, (0.9, 0.8)),
        ([{"Blocks": TEXTRACT["Blocks"][:2]}, {"Blocks": TEXTRACT["Blocks"][2:]}], None, (0.9, 0.8)),
        (AZURE, None, (0.9, 0.8)),
        (AZURE["analyzeResult"], None, (0.9, 0.8)),
        (AZURE_2, None, (0.9, 0.8)),
    ],
)
def test_one_page_in_every_format(tmp_path, content, uri, confidences):
    (page,) = pages_of(tmp_path, content)
    assert (page.page, page.uri) == (1, uri)
    given = read_lines_file([row_of(page, "a.png")])["a.png", 1].on_page(400, 200)
    assert [line.text for line in given] == list(CORNERS)
    for line, corners, confidence in zip(given, CORNERS.values(), confidences, strict=True):
        assert line.polygon == pytest.approx(corners, abs=0.01)
        assert line.confidence == (None if confidence is None else pytest.approx(confidence))


def test_words_stand_in_for_lines_that_a_service_did_not_return(tmp_path):
    azure = json.loads(json.dumps(AZURE))
    (page,) = azure["analyzeResult"]["pages"]
    boxes = NAME, [120, 20, 150, 44], [155, 20, 200, 44]
    page["words"] = [
        word | {"polygon": flat(box, 100)} for word, box in zip(page["words"], boxes, strict=True)
    ]
    del page["lines"]
    google = json.loads(json.dumps(DOCUMENT_AI))
    google["pages"][0]["tokens"] = google["pages"][0].pop("lines")
    for content, texts in ((azure, ["Name: Li Lei"]), (google, ["Name: Li Lei"])):
        (found,) = pages_of(tmp_path, content)
        assert [line.text for line in found.lines] == texts


def test_pages_keep_their_numbers(tmp_path):
    second = textract("LINE", NAME, Text="b", Confidence=90, Page=2)
    assert [page.page for page in pages_of(tmp_path, {"Blocks": [*TEXTRACT["Blocks"], second]})] == [1, 2]
    assert [len(page.lines) for page in pages_of(tmp_path, [*PADDLE_2, None, *PADDLE_2])] == [2, 0, 2]
    assert pages_of(tmp_path, PADDLE_3 | {"page_index": 4})[0].page == 5
    start = HOCR.index("<div class='ocr_page'")
    end = HOCR.index("</body>")
    page = HOCR[start:end]
    both = HOCR[:end] + page.replace("ppageno 0", "ppageno 1") + HOCR[end:]
    assert [found.page for found in pages_of(tmp_path, both)] == [1, 2]
    others = both.replace('scans/a.png"; bbox 0 0 400 200; ppageno 1', 'b.png"; bbox 0 0 400 200; ppageno 1')
    assert [(found.uri, found.page) for found in pages_of(tmp_path, others)] == [
        ("scans/a.png", 1),
        ("b.png", 1),
    ]


def test_other_encodings_are_read(tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        (page,) = pages_of(tmp_path, PADDLE_3, encoding)
        assert len(page.lines) == 2
    (page,) = pages_of(tmp_path, ALTO.replace("UTF-8", "UTF-16"), "utf-16")
    assert len(page.lines) == 2


def test_lines_without_text_or_area_are_not_usable(tmp_path):
    blocks = [textract("LINE", NAME, Text=" "), textract("LINE", [5, 5, 5, 9], Text="b")]
    (page,) = pages_of(tmp_path, {"Blocks": blocks})
    assert (len(page.lines), usable(page)) == (2, [])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "secret",
        "{}",
        "[]",
        "[" * 100_000,
        '{"secret": ',
        "<html>secret</html>",
        "<alto>secret",
        '<!DOCTYPE a [<!ENTITY b "secret">]><alto>&b;</alto>',
        ALTO.replace('HPOS="40"', 'HPOS="secret"', 1),
        HOCR.replace("bbox 20 20 100 40", "secret"),
        HOCR.replace("bbox 0 0 400 200", "bbox 0 0 nan 200"),
        "<div class='ocr_line' title='bbox 0 0 9 9'>secret</div><div class='ocr_page'></div>",
        PADDLE_3 | {"rec_texts": ["secret"]},
        PADDLE_3 | {"rec_texts": "secret"},
        PADDLE_3 | {"rec_polys": [["secret"], [1, 2]]},
        PADDLE_3 | {"rec_scores": ["secret", 1]},
        {"Blocks": [{"BlockType": "LINE", "Text": "secret"}]},
        {"Blocks": [textract("LINE", NAME, Text="secret", Page=0)]},
        {"text": "secret", "pages": [{"lines": [{"layout": {}}]}]},
        {"pages": [{"lines": [{"content": "secret"}]}]},
        "a.png\t[secret",
    ],
)
def test_what_cannot_be_read_is_said_without_its_text(tmp_path, content):
    with pytest.raises(FormatError) as caught:
        pages_of(tmp_path, content)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)
