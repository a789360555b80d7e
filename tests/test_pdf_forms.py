"""Fillable PDF forms through the real job: every kind of field, in the ways that editors store them."""

import pyarrow.parquet as pq
import pytest

from benchmarks.pdf_forms import FormStyle, form
from transforms.launch.cli import main

STYLES = {
    "drawn": FormStyle(),
    "drawn_and_to_be_drawn": FormStyle(needs_appearances=True),
    "to_be_drawn": FormStyle(needs_appearances=True, has_appearances=False),
    "not_drawn": FormStyle(has_appearances=False),
    "inherited": FormStyle(inherits=True),
    "inherited_to_be_drawn": FormStyle(needs_appearances=True, has_appearances=False, inherits=True),
    "shadow_of_xfa": FormStyle(has_xfa=True),
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    place = tmp_path_factory.mktemp("forms")
    for name, style in STYLES.items():
        (place / f"{name}.pdf").write_bytes(form(style))
        (place / f"{name}_empty.pdf").write_bytes(form(style, ticked=False))
    output = place / "out"
    flags = [f"--input={place}/*.pdf", f"--output={output}", "--run_id=r", "--overlays=none"]
    assert main([*flags, "--review=false"]) == 0
    return {
        table: pq.read_table(output / table / "run_id=r").to_pylist()
        for table in ("lines", "key_values", "failures")
    }


def rows_of(rows, name):
    return [row for row in rows if row["uri"].endswith(f"/{name}.pdf")]


@pytest.mark.parametrize("name", STYLES)
def test_values_and_states_come_out_with_the_names_of_their_fields(tables, name):
    assert tables["failures"] == []
    assert not any("Old Value" in row["text"] for row in tables["lines"])
    found = {(row["field_name"], row["value_text"]): row for row in rows_of(tables["key_values"], name)}
    assert found.keys() >= {
        ("name", "Hanna Berger"),
        ("city", "Erfurt"),
        ("country", "France"),
        ("member", "✔"),
        ("payment", "☑ in cash"),
    }
    assert found["name", "Hanna Berger"]["key_text"] == "Name:"
    assert found["country", "France"]["key_text"] == "Country:"
    ticked = found["member", "✔"]
    assert (ticked["key_text"], ticked["value_type"], ticked["value_normalised"]) == (
        "Member:",
        "checkbox",
        "true",
    )


@pytest.mark.parametrize("name", STYLES)
def test_a_value_without_a_label_has_the_tooltip_for_its_key(tables, name):
    (city,) = [row for row in rows_of(tables["key_values"], name) if row["field_name"] == "city"]
    assert (city["key_text"], city["key_label"], city["key_entity_id"]) == ("City", "FIELD", None)
    assert city["confidence"] == pytest.approx(0.9) and city["value_x0"] > 0


@pytest.mark.parametrize("name", STYLES)
def test_an_empty_box_is_told_from_a_ticked_one(tables, name):
    (box,) = [row for row in rows_of(tables["key_values"], f"{name}_empty") if row["field_name"] == "member"]
    assert (box["value_text"], box["value_normalised"]) == ("☐", "false")
    texts = [row["text"] for row in rows_of(tables["lines"], name)]
    assert "☑ in cash" in texts and "☐ by card" in texts
    assert not {"●", "レ"} & set("".join(texts))
