"""Runs after the first: after a kill, every night, and of failed documents alone. The real command on small
pages with given lines: these tests are about what is read, skipped and written.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest
from PIL import Image

from beam_kie.tables.schema import SCHEMAS
from tests.written_files import TELL_RUN, written_files
from transforms.launch import cli
from transforms.runs import paths
from transforms.runs.ledger.plan import make_plan
from transforms.storage import files

ROOT = Path(__file__).resolve().parent.parent
VIEWS = (ROOT / "docs" / "sql" / "latest_duckdb.sql").read_text(encoding="utf-8")
PATIENCE_S = 120

# Ends itself as "kill -9" would when all files of tables but the last are written.
KILLED_WHILE_WRITING = """
import os, runpy, signal, sys
from contextlib import contextmanager
from transforms.storage import files

writing, tables = files.writing, []

@contextmanager
def killing_write(path, *args):
    with writing(path, *args) as file:
        yield file
    tables.append(path)
    if len(tables) == 17:
        os.kill(os.getpid(), signal.SIGKILL)

files.writing = killing_write
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def write_page(path: Path, shade: int) -> bytes:
    Image.new("RGB", (300, 400), (200, 200, shade)).save(path)
    return path.read_bytes()


@pytest.fixture
def place(tmp_path, gcs_bucket, monkeypatch) -> Path:
    """Five local scans, one of them broken, and one in a bucket; a manifest, and lines for all of them."""
    monkeypatch.chdir(tmp_path)
    uris = []
    for number in range(4):
        path = tmp_path / f"page{number}.png"
        write_page(path, number)
        uris.append(str(path))
    files.write_bytes(f"{gcs_bucket}/remote.png", write_page(tmp_path / "remote.png", 9))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    uris += [str(tmp_path / "broken.png"), f"{gcs_bucket}/remote.png"]
    (tmp_path / "uris.txt").write_text("\n".join(uris))
    rows = [{"uri": uri, "page": 1, "lines": lines_of(number)} for number, uri in enumerate(uris)]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def lines_of(number):
    texts = ("Name: Li Lei", "Date of birth", f"2001-02-{number + 1:02d}")
    return [
        {"text": text, "confidence": 0.9, "polygon": [20, top, 200, top, 200, top + 20, 20, top + 20]}
        for top, text in zip((30, 80, 130), texts, strict=True)
    ]


@pytest.fixture
def silent_storage():
    """The address of a storage that takes connections and never answers; accept() tells of one."""
    with socket.create_server(("localhost", 0)) as server:
        server.settimeout(PATIENCE_S)
        yield server


def flags(run_id, *more, output="out"):
    given = [f"--output={output}", f"--run_id={run_id}", "--ocr_engine=none", "--ocr_lines=lines.jsonl"]
    return [*given, "--device=cpu", "--dtype=float32", *more]


# One worker: then the same pages meet in the same batches.
WHOLE = ["--manifest=uris.txt", "--num_shards=2", "--direct_num_workers=1"]


def command(*arguments, script=(), **environment):
    process = [sys.executable, *script, str(ROOT / "run_pipeline.py"), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.Popen(
        process, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(process) -> int:
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    return out


def files_of(run_id, output="out") -> dict[str, bytes]:
    """Bytes of every file of a run but for those that tell its name, which paths do not have either."""
    own = f"run_id={run_id}"
    found = written_files(output, but=TELL_RUN)
    return {name.replace(own, "run_id=*"): data for name, data in found.items() if own in name}


def summary_of(run_id, output="out"):
    return json.loads(Path(paths.summary_path(output, run_id)).read_bytes())


def views(output="out"):
    connection = duckdb.connect()
    connection.execute(VIEWS.replace("'out/", f"'{output}/"))
    return connection


def test_a_killed_run_is_no_run_and_runs_again(place, silent_storage, capfd):
    assert cli.main(flags("whole", *WHOLE)) == cli.OK
    # One thread waits for the storage for ever, the others go on: the run is in its middle.
    address = f"http://localhost:{silent_storage.getsockname()[1]}"
    threads = ["--direct_num_workers=4", "--direct_running_mode=multi_threading"]
    killed = command(*flags("r", "--manifest=uris.txt", *threads), STORAGE_EMULATOR_HOST=address)
    try:
        silent_storage.accept()
        waited_until = time.monotonic() + PATIENCE_S
        while not any(Path("out/overlays/run_id=r").glob("*/*.jpg")):
            assert time.monotonic() < waited_until and killed.poll() is None
            time.sleep(1)
    finally:
        killed.kill()
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    check_that_nothing_looks_finished()
    assert cli.main(flags("r", *WHOLE)) == cli.BAD_OPTIONS
    assert "it is not finished: add --resume" in capfd.readouterr().err
    finished(command(*flags("r", *WHOLE, "--resume")))
    assert files_of("r") == files_of("whole")


@pytest.mark.parametrize("way", ["--resume", "--overwrite"])
def test_a_run_that_was_killed_among_its_tables_runs_again(place, way):
    killed = command(*flags("r", *WHOLE, "--num_shards=3"), script=["-c", KILLED_WHILE_WRITING])
    killed.communicate(timeout=PATIENCE_S)
    assert killed.returncode == -signal.SIGKILL
    assert sum(name.endswith(".parquet") for name in files_of("r")) == 17
    assert list(Path("out").glob(".*")), "nobody could remove the scratch folder"
    (Path(paths.table_folder("out", "lines", "r")) / ".part.tmp").write_bytes(b"half a file")
    assert cli.main(flags("whole", *WHOLE)) == cli.OK
    check_that_nothing_looks_finished()
    assert cli.main(flags("r", *WHOLE, way)) == cli.OK
    assert files_of("r") == files_of("whole")
    assert not list(Path("out").glob(".*"))


def check_that_nothing_looks_finished():
    """Of the run r, beside which the run whole is finished."""
    assert not Path(paths.summary_path("out", "r")).exists()
    seen = views().sql("SELECT DISTINCT run_id, seen_run_id FROM latest").fetchall()
    assert seen == [("whole", "whole")]
    assert views().sql("SELECT DISTINCT run_id FROM latest_key_values").fetchall() == [("whole",)]


def test_resume_leaves_a_finished_run_alone(place, capfd):
    run = flags("r", "--manifest=uris.txt", "--resume")
    assert cli.main(run) == cli.OK, "also where there was no such run"
    before, summary = files_of("r"), Path(paths.summary_path("out", "r")).read_bytes()
    capfd.readouterr()
    assert cli.main(run) == cli.OK
    assert capfd.readouterr().out == "Run r is finished already: nothing was done.\n"
    assert cli.main([*run, "--max_failure_ratio=0.1"]) == cli.FAILED, "as the run itself would end"
    assert (files_of("r"), Path(paths.summary_path("out", "r")).read_bytes()) == (before, summary)


def test_night_after_night_only_what_is_new(place, silent_storage, monkeypatch, capfd):
    """The first night the bucket does not answer; then a scan changes, one comes and one goes."""
    night = ["--manifest=uris.txt", "--skip_done", "--storage_timeout_s=1"]
    emulator = os.environ["STORAGE_EMULATOR_HOST"]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://localhost:{silent_storage.getsockname()[1]}")
    assert cli.main(flags("n1", *night)) == cli.OK
    assert statuses("n1") == {**dict.fromkeys(PAGES, "SUCCESS"), "broken": "FAILURE", "remote": "FAILURE"}
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator)

    night = ["--manifest=uris.txt", "--skip_done"]
    capfd.readouterr()
    assert cli.main(flags("n1-again", "--retry_failures=n1")) == cli.OK
    assert "documents  1 (success 1)" in capfd.readouterr().out
    assert statuses("n1-again") == {"remote": "SUCCESS"}
    assert cli.main(flags("n1-local", "--input=*.png", "--retry_failures=n1")) == cli.OK
    assert summary_of("n1-local")["documents"]["in"] == 0
    assert cli.main(flags("n1-more", "--retry_failures=n1-again")) == cli.OK
    assert "Nothing failed in run n1-again that may succeed now" in capfd.readouterr().out
    assert files_of("n1-more") == {}

    assert cli.main(flags("n2", *night, "--list_skipped")) == cli.OK
    assert set(statuses("n2").values()) == {"SKIPPED"}
    assert results("n2") == {**dict.fromkeys([*PAGES, "broken"], "n1"), "remote": "n1-again"}
    counts = summary_of("n2")["documents"]
    assert (counts["in"], counts["skipped"], counts["counts_add_up"]) == (6, 6, True)

    write_page(place / "page1.png", 100)
    write_page(place / "page4.png", 4)
    uris = [uri for uri in (place / "uris.txt").read_text().split() if "page0" not in uri]
    (place / "uris.txt").write_text("\n".join([*uris, str(place / "page4.png")]))
    assert cli.main(flags("n3", *night, "--ocr_lines=lines.jsonl")) == cli.OK
    assert statuses("n3") == {"page1": "SUCCESS", "page4": "FAILURE"}, "there are no lines for page4"
    assert cli.main(flags("n4", *night)) == cli.OK
    assert statuses("n4") == {}, "the rows of all are where readers look for them"
    for run_id, skipped in {"n3": 4, "n4": 6}.items():
        counts = summary_of(run_id)["documents"]
        assert (counts["in"], counts["skipped"], counts["counts_add_up"]) == (6, skipped, True)
    assert [run.run_id for run in make_plan("out", None, 10).others] == ["n4"], "the others are compacted"
    check_latest(place)


PAGES = [f"page{number}" for number in range(4)]


def check_latest(place):
    """What the views tell is what one run over all that was seen, as it is now, gives."""
    (place / "uris.txt").write_text((place / "uris.txt").read_text() + f"\n{place / 'page0.png'}")
    assert cli.main(flags("all", "--manifest=uris.txt", output="other")) == cli.OK
    for table, view in {"documents": "latest", "key_values": "latest_key_values"}.items():
        columns = ", ".join(name for name in SCHEMAS[table].names)
        rows = f"SELECT {columns} FROM {{}} ORDER BY ALL"
        once = views("other").sql(rows.format(f"'other/{table}/*/*.parquet'")).fetchall()
        assert views().sql(rows.format(view)).fetchall() == once
        assert len(once) >= 7
    newest = dict(views().sql("SELECT uri, seen_run_id FROM latest").fetchall())
    assert {Path(uri).stem: run for uri, run in newest.items()} == {
        **dict.fromkeys(["page0", "page2", "page3", "broken", "remote"], "n2"),
        **dict.fromkeys(["page1", "page4"], "n3"),
    }


def documents(run_id):
    folder = paths.table_folder("out", "documents", run_id)
    return pl.read_parquet(f"{folder}/*.parquet", hive_partitioning=False).iter_rows(named=True)


def statuses(run_id):
    return {Path(row["uri"]).stem: row["status"] for row in documents(run_id)}


def results(run_id):
    return {Path(row["uri"]).stem: row["result_run_id"] for row in documents(run_id)}


def test_what_cannot_be_retried_is_one_clear_line(place, capfd):
    def error(*more):
        capfd.readouterr()
        assert cli.main([*flags("new"), *more]) == cli.BAD_OPTIONS
        err = capfd.readouterr().err
        assert err.count("\n") == 1
        assert not Path("out/runs/run_id=new").exists()
        return err

    assert "there is no run gone under" in error("--retry_failures=gone")
    Path(paths.table_folder("out", "lines", "broken-off")).mkdir(parents=True)
    (Path(paths.table_folder("out", "lines", "broken-off")) / "part.parquet").touch()
    assert "run broken-off is not finished; --run_id broken-off --resume" in error(
        "--retry_failures=broken-off"
    )
    assert "--run_id of its own" in error("--retry_failures=new")
    assert "--resume and --overwrite" in error("--manifest=uris.txt", "--resume", "--overwrite")
    assert "--resume needs the --run_id" in error("--manifest=uris.txt", "--resume", "--run_id=")
    shutil.rmtree("out")
