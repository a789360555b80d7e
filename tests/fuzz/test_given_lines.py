"""A user's own OCR lines: pages whose lines lie on the page, or an error that names the line of the file."""

import io

from hypothesis import given

from beam_kie.ocr.given import LinesFileError, read_lines_file
from tests.fuzz.mutations import arbitrary, as_json, json_values, mutated, mutated_json
from tests.fuzz.sandbox import target

SIZE = (800, 600)
ROWS = [
    {
        "uri": "gs://scans/a.png",
        "page": 1,
        "width": 1000,
        "height": 500,
        "lines": [
            {"text": "Name:", "polygon": [0, 0, 90, 0, 90, 20, 0, 20], "confidence": 0.9},
            {"text": "李雷", "polygon": [[100, 0], [190, 2], [190, 22], [100, 20]]},
        ],
    },
    {"uri": "/scans/b.pdf", "page": 7, "lines": [{"text": "x", "box": [1, 2, 30, 40]}], "whole_lines": True},
]
SEEDS = [
    b"\n".join(map(as_json, ROWS)),
    "\ufeff".encode() + as_json(ROWS[0]) + b"\r\n\r\n" + as_json(ROWS[1]),
]


@target(LinesFileError)
def read(data: bytes) -> None:
    pages = read_lines_file(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
    for (uri, page), given_page in pages.items():
        uri.encode()
        assert page >= 1
        for line in given_page.on_page(*SIZE):
            line.text.encode()
            xs, ys = line.polygon[::2], line.polygon[1::2]
            assert min(xs) >= 0 and max(xs) <= SIZE[0] and min(ys) >= 0 and max(ys) <= SIZE[1]
            assert line.confidence is None or 0 <= line.confidence <= 1


@given(data=arbitrary(b"", b'{"uri": "a", "lines": '))
def test_any_bytes(sandbox, data):
    sandbox.check(read, data)


@given(data=mutated(SEEDS))
def test_damaged_files(sandbox, data):
    sandbox.check(read, data)


@given(row=json_values() | mutated_json(ROWS))
def test_other_values(sandbox, row):
    sandbox.check(read, as_json(row))
