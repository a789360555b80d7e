import subprocess
import sys
from collections import Counter
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

import transforms
from beam_kie.tables.schema import SCHEMAS

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
IN_THREADS = ["--runner=DirectRunner", "--direct_num_workers=2", "--direct_running_mode=multi_threading"]


class Keep(beam.DoFn):
    """Somebody else's step: appends to a file, since workers share no memory with the test."""

    def __init__(self, path: str):
        self._path = path

    def process(self, row):
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{row['uri']}\t{row.get('page')}\t{row.get('category', row.get('key_text'))}\n")


def extracted(folder: Path, files: list, arguments=(), **options) -> dict[str, list[list[str]]]:
    """What ExtractKeyValues gives in a pipeline with steps before and after it: cells by table."""
    with beam.Pipeline(options=PipelineOptions(list(arguments))) as pipeline:
        found = (
            pipeline
            | "Somebody else's files" >> beam.Create(files)
            | transforms.ExtractKeyValues(ocr_threads=1, **options)
        )
        for table, rows in found._asdict().items():
            _ = rows | f"Keep {table}" >> beam.ParDo(Keep(str(folder / table)))
    kept = {table: folder / table for table in transforms.Extracted._fields}
    return {
        table: [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
        if path.exists()
        else []
        for table, path in kept.items()
    }


def test_uris_and_bytes_give_the_same_rows_and_failures_are_rows(tmp_path):
    invoice = SAMPLES / "en_invoice.jpg"
    files = [
        str(invoice),
        ("from memory", invoice.read_bytes()),
        str(SAMPLES / "broken.jpg"),
        ("nothing", b""),
        str(tmp_path / "missing.png"),
    ]
    found = extracted(tmp_path, files, IN_THREADS)
    keys = Counter(uri for uri, _, _ in found["key_values"])
    assert keys[str(invoice)] == keys["from memory"] > 10
    assert sorted(uri for uri, _, _ in found["pages"]) == sorted([str(invoice), "from memory"])
    assert {uri: category for uri, _, category in found["failures"]} == {
        str(SAMPLES / "broken.jpg"): "FILE_CORRUPT",
        "nothing": "FILE_EMPTY",
        str(tmp_path / "missing.png"): "SOURCE_UNAVAILABLE",
    }


@pytest.mark.parametrize("isolation", ["on", "off"])
def test_options_are_those_of_the_job(tmp_path, isolation):
    files = [("two pages", (SAMPLES / "de_tax.pdf").read_bytes())]
    found = extracted(
        tmp_path, files, pdf_text_layer=True, ocr_engine="none", page_isolation=isolation, max_file_bytes=10
    )
    assert [row[2] for row in found["failures"]] == ["FILE_TOO_LARGE"] and not found["pages"]


def test_rows_have_the_columns_of_a_run(tmp_path):
    columns = {}
    with beam.Pipeline() as pipeline:
        found = (
            pipeline
            | beam.Create([("form", (SAMPLES / "fr_application.jpg").read_bytes())])
            | transforms.ExtractKeyValues()
        )
        for table, rows in found._asdict().items():
            out = str(tmp_path / table)
            _ = rows | f"Columns {table}" >> beam.Map(sorted) | f"Write {table}" >> beam.io.WriteToText(out)
    for table in ("key_values", "entities", "lines", "pages"):
        (file,) = tmp_path.glob(f"{table}-*")
        columns[table] = set(file.read_text().splitlines())
        assert columns[table] == {str(sorted(SCHEMAS[table].names))}


@pytest.mark.parametrize(
    ("options", "error"),
    [({"output": "x"}, TypeError), ({"modle": "x"}, TypeError), ({"pdf_dpi": 3}, ValueError)],
)
def test_wrong_options_are_refused_when_the_pipeline_is_made(options, error):
    with pytest.raises(error, match=next(iter(options))):
        transforms.ExtractKeyValues(**options)


def test_importing_the_package_stays_cheap():
    code = "import sys, transforms; print({'torch', 'apache_beam'} & set(sys.modules), dir(transforms))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("set()") and "ExtractKeyValues" in ran.stdout
    with pytest.raises(AttributeError):
        _ = transforms.nothing
