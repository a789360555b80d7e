from beam_kie.fields.multiline import joined_lines


def pair(key, text, x0, y0, confidence=0.9, x1=None, y1=None):
    box = (x0, y0, x1 or x0 + 200, y1 or y0 + 20)
    row = dict(
        zip(("value_x0", "value_y0", "value_x1", "value_y1"), box if text else (None,) * 4, strict=True)
    )
    return {"key_entity_id": key, "value_text": text, "confidence": confidence, **row}


def texts(*pairs):
    return [row["value_text"] for row in joined_lines(pairs)]


def test_lines_below_one_another_are_one_value():
    lines = [
        pair("a", "Keystone Ltd.", 100, 100),
        pair("b", "Orion Inc.", 500, 100),
        pair("a", "25 Maple Street", 98, 125, confidence=0.3, x1=350, y1=170),
        pair("b", "7 Church Lane", 500, 125),
        pair("a", "Boulder", 102, 174),
    ]
    joined = joined_lines(lines)
    assert [row["value_text"] for row in joined] == [
        "Keystone Ltd. 25 Maple Street Boulder",
        "Orion Inc. 7 Church Lane",
    ]
    first = joined[0]
    assert first["confidence"] == 0.3
    assert [first[f"value_{name}"] for name in ("x0", "y0", "x1", "y1")] == [98, 100, 350, 194]
    assert lines[0]["value_text"] == "Keystone Ltd."


def test_what_stands_apart_or_beside_is_a_value_of_its_own():
    assert texts(pair("a", "one", 100, 100), pair("a", "two", 100, 140)) == ["one", "two"]
    assert texts(pair("a", "one", 100, 100), pair("a", "two", 400, 100)) == ["one", "two"]
    assert texts(pair("a", "one", 100, 100), pair("a", "two", 300, 124)) == ["one", "two"]
    assert texts(pair(None, "one", 100, 100), pair(None, "two", 100, 122)) == ["one", "two"]
    assert texts(pair("a", None, 0, 0), pair("a", "two", 100, 122)) == [None, "two"]
