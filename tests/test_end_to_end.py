"""The real command on samples/, with real OCR and the bundled model; other people's tools read it back."""

import fcntl
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

from beam_kie.tables.schema import SCHEMAS
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

    def files(self):
        """Bytes of every file, but for the summary's, which tells times."""
        paths = [path for path in self.output.rglob("*") if path.is_file() and path.name != "summary.json"]
        return {str(path.relative_to(self.output)): path.read_bytes() for path in paths}

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


def test_a_run_id_is_not_used_twice_by_accident(own_run):
    before = own_run.files()
    again = run_pipeline(own_run.output)
    assert again.returncode == 2
    assert len(again.stderr.strip().splitlines()) == 1
    assert "--overwrite" in again.stderr
    assert own_run.files() == before


def test_the_same_run_again_gives_the_same_files_and_too_many_failures_end_with_1(own_run):
    before = own_run.files()
    again = run_pipeline(own_run.output, "--overwrite", "--max_failure_ratio", "0.05")
    assert again.returncode == 1, again.stderr
    assert "--max_failure_ratio" in again.stderr
    assert own_run.files() == before
