from beam_kie.tables.schema import SCHEMAS


def test_names_are_lower_snake_and_every_column_is_described():
    for schema in SCHEMAS.values():
        for column in schema:
            assert column.name.isascii() and column.name == column.name.lower()
            assert column.metadata[b"description"]


def test_every_table_names_ocr_and_model_on_every_row():
    for schema in SCHEMAS.values():
        expected = ["ocr_engine", "ocr_revision", "model", "model_revision", "options_digest"]
        assert schema.names[-5:] == expected
