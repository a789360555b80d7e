import json

import pytest

from beam_kie.labelled.corrections_file import (
    Corrections,
    CorrectionsError,
    EntityChange,
    LinkChange,
    PageCorrections,
    read_corrections,
    write_corrections,
)

PAGE = PageCorrections(
    "d" * 32,
    2,
    "gs://b/a.pdf",
    True,
    (
        EntityChange(3, "change", text="", was_text="x", was_label="ANSWER"),
        EntityChange(4, "change", label="HEADER", box=(1.0, 2.0, 3.0, 4.5)),
        EntityChange(5, "accept"),
        EntityChange(6, "remove", was_text="李", was_label="QUESTION"),
        EntityChange("n0", "add", "new", "ANSWER", (1.0, 2.0, 30.0, 40.0)),
    ),
    (LinkChange(5, "n0", "add"), LinkChange(5, 3, "remove")),
)
WHOLE = Corrections("run", (PAGE,), 0.95)


def test_a_file_survives_a_round_trip(tmp_path):
    path = tmp_path / "corrections.json"
    write_corrections(path, WHOLE)
    assert read_corrections(path) == WHOLE


def change(path, value):
    """What damages a file: a place in it gets another value; None takes it away."""

    def work(content):
        *way, last = path
        for step in way:
            content = content[step]
        if value is None:
            del content[last]
        else:
            content[last] = value

    return work


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change(["format"], "other"), "not a file of corrections"),
        (change(["version"], 2), "version 2"),
        (change(["run_id"], None), "run_id"),
        (change(["pages"], {}), "pages"),
        (change(["pages", 0], 7), "document_id"),
        (change(["pages", 0, "page"], 0), "page 0"),
        (change(["pages", 0, "page"], True), "page True"),
        (change(["pages", 0, "entities", 0, "action"], "burn"), "burn"),
        (change(["pages", 0, "entities", 0, "entity_index"], -1), "valid name"),
        (change(["pages", 0, "entities", 4, "new"], "7"), "valid name"),
        (change(["pages", 0, "entities", 4, "text"], None), "needs text"),
        (change(["pages", 0, "entities", 4, "box"], [1, 2, 3]), "box"),
        (change(["pages", 0, "entities", 4, "box"], [5, 2, 3, 4]), "extent"),
        (change(["pages", 0, "entities", 4, "box", 0], float("nan")), "no number"),
        (change(["pages", 0, "entities", 1, "entity_index"], 3), "two things"),
        (change(["pages", 0, "entities", 1, "label"], ""), "label"),
        (change(["pages", 0, "entities", 0, "text"], 5), "text is no text"),
        (change(["pages", 0, "links", 0, "value"], "n1"), "n1"),
        (change(["pages", 0, "links", 0, "value"], 5), "itself"),
        (change(["pages", 0, "links", 0, "action"], None), "action"),
        (change(["accepted_above"], "high"), "accepted_above"),
    ],
)
def test_damaged_files_are_refused_in_one_line_that_names_them(tmp_path, damage, said):
    path = tmp_path / "corrections.json"
    write_corrections(path, WHOLE)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(CorrectionsError) as error:
        read_corrections(path)
    message = str(error.value)
    assert said in message and str(path) in message and "\n" not in message


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[]", b'"text"', b"null"])
def test_what_is_no_file_of_corrections_is_refused(tmp_path, data):
    path = tmp_path / "corrections.json"
    path.write_bytes(data)
    with pytest.raises(CorrectionsError, match="corrections"):
        read_corrections(path)
    with pytest.raises(CorrectionsError):
        read_corrections(tmp_path / "missing.json")
