"""The real command on samples/, with real OCR and the bundled model; other people's tools read it back."""

# pyright: reportOptionalMemberAccess=false

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from beam_kie.labelled.formats import read_labels
from beam_kie.tables.schema import SCHEMAS
from tests.browser import new_page
from tests.written_files import written_files
from transforms.runs.paths import TABLES

ROOT = Path(__file__).resolve().parent.parent
RUN_ID = "demo"
SCANS = sorted(path for path in (ROOT / "samples").iterdir() if path.suffix not in (".txt", ".md"))
PAGES = {"en_patient_fax.tif": 3, "de_tax.pdf": 2}
BROKEN = "broken.jpg"
TURNED = "zh_application_turned.jpg"


@dataclass(frozen=True)
class Run:
    """What a run left behind: its folder and what it said."""

    output: Path
    done: subprocess.CompletedProcess

    def summary(self):
        return json.loads((self.output / "runs" / f"run_id={RUN_ID}" / "summary.json").read_text("utf-8"))

    def folder(self, table):
        return self.output / table / f"run_id={RUN_ID}"


def run_pipeline(output, *flags, scans=SCANS):
    command = [sys.executable, "run_pipeline.py", "--input", *map(str, scans), "--output", str(output)]
    return subprocess.run(
        [*command, "--run_id", RUN_ID, *flags], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def run(tmp_path_factory, worker_id) -> Run:
    """One run for all tests of the session, also where several processes share them (pytest -n)."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "end-to-end"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done.json").exists():
            done = run_pipeline(folder / "out")
            (folder / "done.json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return Run(
        folder / "out", subprocess.CompletedProcess([], *json.loads((folder / "done.json").read_text()))
    )


@pytest.fixture
def own_run(run, tmp_path) -> Run:
    """A copy of the run that a test may run over."""
    shutil.copytree(run.output, tmp_path / "out")
    return Run(tmp_path / "out", run.done)


def test_the_command_succeeds_and_says_where_to_look(run):
    assert run.done.returncode == 0, run.done.stderr
    assert (run.output / "review" / f"run_id={RUN_ID}" / "index.html").is_file()
    for what in (str(run.output), "documents", "pages", "key-value pairs", "pages/s"):
        assert what in run.done.stdout


def test_every_scan_is_accounted_for(run):
    summary = run.summary()
    documents, pages = summary["documents"], summary["pages"]
    assert documents["in"] == len(SCANS) >= 10
    assert (documents["failure"], documents["partial"], documents["skipped"]) == (1, 0, 0)
    assert documents["success"] == len(SCANS) - 1
    good = [path.name for path in SCANS if path.name != BROKEN]
    assert (pages["ok"], pages["failed"]) == (sum(PAGES.get(name, 1) for name in good), 1)
    assert summary["found"]["pairs"] >= 5 * pages["ok"]
    assert summary["overlays"]["written"] == pages["ok"]


def test_duckdb_reads_the_tables(run):
    sums = run.summary()
    for table in TABLES:
        name = f"{run.output}/{table}/*/*.parquet"
        ((rows,),) = duckdb.sql(
            f"SELECT count(*) FROM read_parquet('{name}', hive_partitioning = true)"
        ).fetchall()
        assert rows == sums["tables"][table]["rows"]
    pairs = duckdb.sql(
        f"""SELECT k.key_text, k.value_text, k.confidence, d.status
        FROM '{run.output}/key_values/*/*.parquet' k
        JOIN '{run.output}/documents/*/*.parquet' d USING (document_id)
        WHERE k.value_text IS NOT NULL"""
    ).fetchall()
    assert len(pairs) == sums["found"]["pairs"]
    assert {status for *_, status in pairs} == {"SUCCESS"}
    assert all(key and value and 0 <= confidence <= 1 for key, value, confidence, _ in pairs)
    turned = duckdb.sql(
        f"SELECT rotation_deg FROM '{run.output}/pages/*/*.parquet' WHERE uri LIKE '%/{TURNED}'"
    ).fetchall()
    assert [degrees for (degrees,) in turned] in ([90], [270])
    failure = duckdb.sql(f"SELECT uri, stage, category FROM '{run.output}/failures/*/*.parquet'").fetchall()
    assert [(Path(uri).name, stage, category) for uri, stage, category in failure] == [
        (BROKEN, "DECODE", "FILE_CORRUPT")
    ]


@pytest.mark.parametrize("table", TABLES)
def test_pandas_and_polars_read_what_duckdb_reads(run, table):
    relation = duckdb.read_parquet(f"{run.folder(table)}/*.parquet", hive_partitioning=False)
    with_pandas = pd.read_parquet(run.folder(table))
    with_polars = pl.read_parquet(f"{run.folder(table)}/*.parquet", hive_partitioning=False)
    columns = SCHEMAS[table].names
    assert relation.columns == columns
    assert [name for name in with_pandas.columns if name != "run_id"] == columns
    assert with_polars.columns == columns
    key = columns[0]
    expected = sorted(row[0] for row in relation.project(key).fetchall())
    assert len(set(expected)) == len(expected) > 0
    assert sorted(with_pandas[key]) == expected
    assert sorted(with_polars[key].to_list()) == expected
    texts = [name for name in columns if with_polars[name].dtype == pl.String]
    assert not any((with_polars[name] == "").any() for name in texts)


def test_nothing_that_stood_on_a_page_is_logged(run):
    said = run.done.stdout + run.done.stderr
    lines = pl.read_parquet(f"{run.folder('lines')}/*.parquet", hive_partitioning=False)
    texts = {text for text in lines["text"].to_list() if len(text) >= 6}
    assert len(texts) > 100
    assert [text for text in texts if text in said] == []


def test_the_review_is_looked_at_corrected_and_carried_out(run, chrome, tmp_path):
    """From the command to corrected tables, through a browser; the pictures of docs/review.md on the way."""
    assert "review" in run.done.stdout
    index = run.output / "review" / f"run_id={RUN_ID}" / "index.html"
    with new_page(chrome) as page:
        page.goto(index.as_uri())
        page.wait_for_selector("html[data-ready]")
        page.wait_for_function("() => [...document.images].every((image) => image.naturalWidth > 0)")
        listed = page.locator(".documents strong").all_inner_texts()
        assert listed[0] == BROKEN and sorted(listed) == sorted(path.name for path in SCANS)
        screenshot(page, "review-documents", tmp_path)
        page.fill("#search", "Nguyen Medical")
        page.wait_for_function("() => document.querySelectorAll('.documents li').length === 1")
        page.click(".document")
        page.locator(".pair", has_text="Telephone number").click()
        page.keyboard.press("Enter")
        page.keyboard.type("0212 555 0134")
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("a")
        page.keyboard.press("d")
        page.locator(".pair", has_text="Invoice to").click()
        page.wait_for_function("() => document.querySelector('.chosen')")
        screenshot(page, "review-page", tmp_path)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 760})
        page.click("[aria-label^='Zoom to the chosen pair']")
        page.locator(".pair[aria-current]").scroll_into_view_if_needed()
        screenshot(page, "review-phone", tmp_path)
        with page.expect_download() as download:
            page.keyboard.press("s")
        download.value.save_as(tmp_path / "corrections.json")
    command = [sys.executable, "-m", "beam_kie.labelled.corrections", tmp_path / "corrections.json"]
    out = ["--run", run.output, "--tables", tmp_path / "corrected", "--labels", tmp_path / "labels.txt"]
    subprocess.run([*command, *out, "--images", tmp_path / "images"], cwd=ROOT, check=True)
    pairs = pl.read_parquet(f"{tmp_path}/corrected/key_values/*/*.parquet", hive_partitioning=False)
    human = pairs.filter(pl.col("corrected_by") == "human")
    assert ("Telephone number:", "0212 555 0134", 1.0) in human.select(
        "key_text", "value_text", "confidence"
    ).rows()
    assert len(human) == 2 and len(pairs) == run.summary()["tables"]["key_values"]["rows"]
    (labelled,) = read_labels(tmp_path / "labels.txt", tmp_path / "images")
    assert "0212 555 0134" in [entry.text for entry in labelled.entries]
    assert len(labelled.relations()) > 50


def test_labels_of_other_tools_correct_a_run_and_come_back_as_they_were(run, tmp_path):
    """The samples' labels stand for a person's work; turned pages, a PDF and a TIFF are among them."""
    command = [
        sys.executable,
        "-m",
        "beam_kie.labelled.corrections",
        "samples/labels.txt",
        "--run",
        run.output,
    ]
    subprocess.run([*command, "--labels", tmp_path / "labels.txt"], cwd=ROOT, check=True, capture_output=True)
    wanted, found = (
        {page.name: page for page in read_labels(path)}
        for path in (ROOT / "samples" / "labels.txt", tmp_path / "labels.txt")
    )
    assert found.keys() == wanted.keys()
    for name, page in wanted.items():
        assert pairs_of(found[name]) == pairs_of(page), name
        assert entities_of(found[name]) == entities_of(page), name


def pairs_of(page):
    texts = {entry.id: entry.text for entry in page.entries}
    return sorted((texts[key], texts[value]) for key, value in page.relations())


def entities_of(page):
    return sorted((entry.label, entry.text) for entry in page.entries if entry.is_entity)


def screenshot(page, name, folder):
    """A picture for docs/review.md where BEAM_KIE_SCREENSHOTS is set, else one that is thrown away."""
    wanted = os.environ.get("BEAM_KIE_SCREENSHOTS")
    page.evaluate("() => document.getElementById('toasts').replaceChildren()")
    # Where the scans lie on this machine is nobody's business.
    page.evaluate(
        "() => document.querySelectorAll('.where').forEach((each) => { each.textContent = 'samples/' })"
    )
    page.screenshot(path=folder / f"{name}.png")
    if wanted:
        with Image.open(folder / f"{name}.png") as image:
            image.convert("RGB").save(ROOT / "docs" / "images" / f"{name}.webp", quality=88, method=6)


def test_a_run_id_is_not_used_twice_by_accident(own_run):
    before = written_files(own_run.output)
    again = run_pipeline(own_run.output)
    assert again.returncode == 2
    assert len(again.stderr.strip().splitlines()) == 1
    assert "--overwrite" in again.stderr
    assert written_files(own_run.output) == before


def test_the_same_run_again_gives_the_same_files_and_too_many_failures_end_with_1(own_run):
    before = written_files(own_run.output)
    again = run_pipeline(own_run.output, "--overwrite", "--max_failure_ratio", "0.05")
    assert again.returncode == 1, again.stderr
    assert "--max_failure_ratio" in again.stderr
    assert written_files(own_run.output) == before
