"""The command line: real runs with given lines and a small model of random weights."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests import hostile
from tests.written_files import TELL_RUN, written_files
from transforms.config import JobConfig
from transforms.launch import cli, report
from transforms.launch.processes import descendants
from transforms.progress import read_counts
from transforms.runs import locks, parts, paths
from transforms.sinks import segments
from transforms.storage import files

SCRIPT = Path(cli.__file__).resolve().parents[2] / "run_pipeline.py"
FORM = ["Name: Li Lei", "Date of birth", "2001-02-03"]


def write_scans(folder: Path, pages: int) -> None:
    """Pages as pictures, and what stands on them as somebody's own OCR beside them."""
    folder.mkdir(exist_ok=True)
    rows = []
    for number in range(pages):
        path = folder / f"page{number}.png"
        Image.new("RGB", (300, 400), (200, 200, number)).save(path)
        lines = [
            {"text": text, "confidence": 0.9, "polygon": [20, top, 200, top, 200, top + 20, 20, top + 20]}
            for top, text in zip((30, 80, 130), FORM, strict=True)
        ]
        rows.append(json.dumps({"uri": str(path), "page": 1, "lines": lines}))
    (folder.parent / "lines.jsonl").write_text("\n".join(rows))


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The working folder: two scans and their lines."""
    monkeypatch.chdir(tmp_path)
    write_scans(tmp_path / "scans", pages=2)
    return tmp_path


@pytest.fixture
def flags(place, small_model) -> list[str]:
    given = ["--input=scans", "--output=out", "--run_id=r", "--ocr_engine=none", "--ocr_lines=lines.jsonl"]
    return [*given, f"--model={small_model}", "--device=cpu", "--num_shards=1"]


def summary_of(run_id: str, output: str = "out") -> dict:
    return json.loads(Path(paths.summary_path(output, run_id)).read_bytes())


def test_run_ends_with_a_table(flags, capfd):
    assert cli.main(flags) == cli.OK
    out, err = capfd.readouterr()
    assert out.startswith("documents  2 (success 2)\npages      2\n")
    assert "summary    out/runs/run_id=r/summary.json" in out
    assert "pages done 2 of 2  failed 0" in err
    assert summary_of("r")["documents"]["success"] == 2
    assert len(pq.read_table(paths.table_folder("out", "lines", "r"))) == 6
    assert "Li Lei" not in out + err, "recognised text is never logged"


def test_flags_of_the_run_are_in_its_summary_but_no_internal_ones(flags):
    assert cli.main(flags) == cli.OK
    options = summary_of("r")["options"]
    assert options["ocr_engine"] == "none" and "scratch" not in options


def test_broken_files_count_as_failures_within_the_budget(flags, place, capfd):
    (place / "scans" / "broken.png").write_bytes(b"not a picture")
    assert cli.main([*flags, "--max_failure_ratio=0.34"]) == cli.OK
    assert "documents  3 (success 2, failure 1)" in capfd.readouterr().out
    assert cli.main([*flags, "--max_failure_ratio=0.33", "--overwrite"]) == cli.FAILED
    err = capfd.readouterr().err
    assert "33.3% of the documents failed; --max_failure_ratio allows 33.0%" in err
    assert summary_of("r")["documents"]["failure"] == 1


def test_a_job_elsewhere_fails_by_itself_when_all_is_written(flags, place, capfd):
    """An engine that is no runner of this process: the job fails there, and the launcher reports the run."""
    (place / "scans" / "broken.png").write_bytes(b"not a picture")
    elsewhere = ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"]
    assert cli.main([*flags, *elsewhere, "--max_failure_ratio=0.33"]) == cli.FAILED
    out, err = capfd.readouterr()
    assert "TooManyFailuresError" in err, "the job itself failed"
    assert "documents  3 (success 2, failure 1)" in out
    assert "33.3% of the documents failed; --max_failure_ratio allows 33.0%" in err.splitlines()[-1]
    assert summary_of("r")["documents"]["failure"] == 1


def test_second_run_of_the_same_id_is_refused_or_replaces_the_first(flags, place, capfd):
    assert cli.main([*flags, "--num_shards=2"]) == cli.OK
    before = Path(paths.summary_path("out", "r")).read_bytes()
    capfd.readouterr()
    assert cli.main(flags) == cli.BAD_OPTIONS
    assert "already holds run r" in capfd.readouterr().err
    assert Path(paths.summary_path("out", "r")).read_bytes() == before
    (place / "scans" / "page1.png").unlink()
    assert cli.main([*flags, "--overwrite"]) == cli.OK
    assert len(pq.read_table(paths.table_folder("out", "documents", "r"))) == 1
    assert len(list(Path(paths.table_folder("out", "documents", "r")).iterdir())) == 1


def test_bad_options_write_nothing_but_one_line(flags, place, capfd):
    before = sorted(place.rglob("*"))
    assert cli.main([*flags, "--overlay=all"]) == cli.BAD_OPTIONS
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "run_pipeline.py: error: unknown flag --overlay: did you mean --overlays?\n"
    assert sorted(place.rglob("*")) == before


def test_validate_only_launches_nothing(flags, place, capfd):
    before = sorted(place.rglob("*"))
    assert cli.main([*flags, "--validate_only"]) == cli.OK
    out = capfd.readouterr().out
    assert out.startswith("All options are in order; nothing was launched.")
    assert f"would read {Path('scans') / '**'}" in out
    assert sorted(place.rglob("*")) == before
    assert cli.main([*flags, "--validate_only", "--run_id=a/b"]) == cli.BAD_OPTIONS


def test_beam_s_own_checks_are_one_line_too(flags, capfd):
    assert cli.main([*flags, "--type_check_additional=nonsense"]) == cli.BAD_OPTIONS
    assert capfd.readouterr().err.count("\n") == 1


def test_help_is_no_error(capfd):
    assert cli.main(["--help"]) == cli.OK
    assert "--input PATTERN" in capfd.readouterr().out


def test_run_that_breaks_says_so_and_how_to_go_on(flags, place, small_model, tmp_path, capfd):
    broken = tmp_path / "broken-model"
    broken.mkdir()
    for file in Path(small_model).iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = next(broken.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])
    assert cli.main([*flags, f"--model={broken}"]) == cli.FAILED
    err = capfd.readouterr().err
    failed, again = err.splitlines()[-2:]
    assert failed.startswith("run_pipeline.py: run r failed: ") and str(broken) in failed
    assert "--run_id r --resume" in again
    assert not os.path.exists(paths.summary_path("out", "r"))
    assert not scratch_folders(place)


def test_run_that_lost_a_document_has_failed(flags, monkeypatch, capfd):
    whole = report.read_summary

    def short_of_one(config):
        summary = whole(config)
        return summary | {"documents": summary["documents"] | {"in": 3, "counts_add_up": False}}

    monkeypatch.setattr(report, "read_summary", short_of_one)
    assert cli.main(flags) == cli.FAILED
    assert "documents were lost on the way" in capfd.readouterr().err


def test_json_logs_are_json_to_the_last_line(flags, capfd):
    assert cli.main([*flags, "--log_format=json"]) == cli.OK
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert any(line["message"].startswith("pages done 2") for line in lines)


def test_of_two_runs_with_one_id_the_second_writes_nothing(flags, monkeypatch, capfd):
    """Both are checked before either writes."""
    output = str(Path("out").resolve())
    prepare = cli.prepare_job
    first = ExitStack()

    def prepare_and_be_late(*args):
        job = prepare(*args)
        first.enter_context(locks.claimed(output, "r", locks.Replace.NOTHING))
        return job

    monkeypatch.setattr(cli, "prepare_job", prepare_and_be_late)
    with first:
        assert cli.main(flags) == cli.BAD_OPTIONS
        assert "another process is writing run r" in capfd.readouterr().err
        assert [path.name for path in Path(output).iterdir()] == [".beam-kie-lock~r"]


def scratch_folders(place) -> list[Path]:
    return list((place / "out").glob(".beam-kie-scratch~*"))


def test_no_scratch_folder_is_left_behind(flags, place, monkeypatch):
    seen = []
    write = segments.pages_of

    def watched(kept):
        seen.extend(scratch_folders(place))
        return write(kept)

    monkeypatch.setattr("transforms.sinks.tables.pages_of", watched)
    assert cli.main(flags) == cli.OK
    assert seen and seen[0].name.startswith(".beam-kie-scratch~r~")
    assert not scratch_folders(place)


def test_no_scratch_folder_is_left_behind_by_a_run_that_fails(flags, place, monkeypatch, capfd):
    def broken(kept):
        assert scratch_folders(place)
        raise segments.ScratchError("rows cannot be read")

    monkeypatch.setattr("transforms.sinks.tables.pages_of", broken)
    assert cli.main(flags) == cli.FAILED
    assert (
        "run r failed: transforms.sinks.segments.ScratchError: rows cannot be read" in capfd.readouterr().err
    )
    assert not scratch_folders(place)


def test_a_run_removes_the_scratch_folders_of_all_that_were_killed(flags, place):
    left, other = (place / "out" / f".beam-kie-scratch~{name}~01234567" for name in ("r", "r2"))
    for folder in (left, other):
        folder.mkdir(parents=True)
        (folder / "lines-00000-x").write_bytes(b"x")
    assert cli.main(flags) == cli.OK
    assert not scratch_folders(place)


def test_cloud_to_cloud(flags, gcs_bucket, capfd):
    for path in Path("scans").iterdir():
        files.write_bytes(f"{gcs_bucket}/scans/{path.name}", path.read_bytes())
    lines = Path("lines.jsonl").read_text().replace(str(Path.cwd()), gcs_bucket)
    files.write_bytes(f"{gcs_bucket}/lines.jsonl", lines.encode())
    places = [
        f"--input={gcs_bucket}/scans",
        f"--output={gcs_bucket}/out",
        f"--ocr_lines={gcs_bucket}/lines.jsonl",
    ]
    assert cli.main([*flags[3:4], *flags[5:], "--run_id=r", *places]) == cli.OK
    assert f"summary    {gcs_bucket}/out/runs/run_id=r/summary.json" in capfd.readouterr().out


def test_dataflow_is_launched_and_not_waited_for(flags, gcs_bucket, tmp_path, capfd):
    files.write_bytes(f"{gcs_bucket}/scans/a.png", b"x")
    files.write_bytes(f"{gcs_bucket}/lines.jsonl", b"")
    template = tmp_path / "template.json"
    places = [
        f"--input={gcs_bucket}/scans",
        f"--output={gcs_bucket}/out",
        f"--ocr_lines={gcs_bucket}/lines.jsonl",
    ]
    cloud = [
        "--runner=DataflowRunner",
        "--project=project",
        "--region=us-central1",
        "--sdk_location=container",
    ]
    cloud += [
        f"--temp_location={gcs_bucket}/tmp",
        "--sdk_container_image=image",
        f"--template_location={template}",
    ]
    assert cli.main([*flags[3:4], *flags[6:], "--run_id=r", *places, *cloud]) == cli.OK
    assert capfd.readouterr().out.startswith("Launched run r.\nIt is finished when this file is there: gs://")
    shown = json.loads(template.read_text())["environment"]["sdkPipelineOptions"]["options"]
    assert shown["output"] == f"{gcs_bucket}/out"


def command(flags: list[str], *more: str) -> list[str]:
    return [sys.executable, str(SCRIPT), *flags, *more]


@pytest.mark.slow
def test_script_runs_from_any_folder_with_worker_processes(flags, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = subprocess.run(
        command(flags, "--direct_num_workers=2", "--num_shards=2"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "pages done 2 of 2  failed 0" in done.stderr
    assert summary_of("r")["documents"]["success"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_ends_at_once_and_is_not_finished(flags, place, number):
    write_scans(place / "scans", pages=600)
    # Tests that run in the background of a shell ignore Ctrl-C, and so would what they start.
    heard = partial(signal.signal, number, signal.SIG_DFL)
    with subprocess.Popen(command(flags), stderr=subprocess.PIPE, text=True, preexec_fn=heard) as run:
        while run.poll() is None and not any(
            read_counts(str(folder)).done for folder in scratch_folders(place)
        ):
            time.sleep(0.05)
        run.send_signal(number)
        assert run.stderr is not None
        said = run.stderr.read()
    assert run.returncode == cli.INTERRUPTED
    assert "run r was interrupted" in said and "--run_id r --resume" in said
    assert "Traceback" not in said
    assert not os.path.exists(paths.summary_path("out", "r"))
    assert not scratch_folders(place)


def worker_processes(pid: int) -> list[int]:
    """The Python processes of Beam's workers, without the shells that start them."""
    found = []
    for each in descendants(pid):
        with suppress(OSError):
            words = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
            if b"apache_beam.runners.worker.sdk_worker_main" in words:
                found.append(each)
    return found


@pytest.mark.slow
def test_killed_worker_process_ends_the_run(flags, place):
    write_scans(place / "scans", pages=600)
    processes = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
    with subprocess.Popen(command(flags, *processes), stderr=subprocess.PIPE, text=True) as run:
        try:
            while run.poll() is None and not any(
                read_counts(str(folder)).done for folder in scratch_folders(place)
            ):
                time.sleep(0.05)
            others = descendants(run.pid)
            os.kill(worker_processes(run.pid)[0], signal.SIGKILL)
            _, said = run.communicate(timeout=30)
        finally:
            run.kill()
    assert run.returncode == cli.FAILED
    assert "run r failed: a worker process" in said and "SIGKILL" in said and "--resume" in said
    assert not os.path.exists(paths.summary_path("out", "r"))
    assert not scratch_folders(place)
    # They were killed; on a busy machine they take a moment to be gone.
    deadline = time.monotonic() + 20
    while any(map(is_alive, others)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(filter(is_alive, others))


def is_alive(pid: int) -> bool:
    """Whether a process is there and neither dead nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("mode", ["in_memory", "multi_threading", "multi_processing"])
def test_no_recognised_text_is_logged_at_any_level(place, flags, mode):
    workers = [] if mode == "in_memory" else ["--direct_num_workers=2"]
    command = [*flags, f"--direct_running_mode={mode}", *workers, "--log_level=DEBUG"]
    command += ["--default_sdk_harness_log_level=DEBUG"]
    done = subprocess.run([sys.executable, SCRIPT, *command], capture_output=True, text=True, cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stderr
    for text in FORM:
        assert text not in done.stderr


def test_tables_are_the_same_with_and_without_page_isolation(flags, place):
    first, *others = [Image.new("L", (300, 400), 200 + number) for number in range(4)]
    first.save(place / "scans" / "four.tif", save_all=True, append_images=others)
    first.save(place / "scans" / "one.pdf")
    (place / "scans" / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (place / "scans" / "empty.png").write_bytes(b"")
    (place / "scans" / "notes.txt").write_bytes(b"hello")
    tables = []
    for isolation in ("off", "on"):
        again = [*flags, f"--page_isolation={isolation}", "--max_pages=3", "--overwrite"]
        assert cli.main(again) == cli.OK
        assert summary_of("r")["options"]["page_isolation"] == isolation
        tables.append(written_files("out", "*/run_id=r/**/*.*", but=TELL_RUN))
    assert tables[0].keys() == tables[1].keys()
    assert [name for name in tables[0] if tables[0][name] != tables[1][name]] == []
    assert any(name.endswith(".jpg") for name in tables[0])


def test_hostile_page_costs_a_row_and_never_the_run(flags, place):
    contents = [hostile.GOOD, hostile.SLOW, hostile.GOOD]
    (place / "scans" / "slow.pdf").write_bytes(hostile.shading_pdf(contents))
    assert cli.main([*flags, "--page_timeout_s=3"]) == cli.OK
    summary = summary_of("r")
    assert summary["documents"]["success"] == 2 and summary["documents"]["failure"] == 1
    assert summary["failures"]["by_category"] == {"OCR_MISSING": 2, "PAGE_TIMEOUT": 1}
    failures = pq.read_table(paths.table_folder("out", "failures", "r")).to_pylist()
    assert [row["page"] for row in failures if row["category"] == "PAGE_TIMEOUT"] == [2]


def test_budget_that_no_page_fits_in_ends_the_run_with_one_line(flags, capfd):
    assert cli.main([*flags, "--page_memory_mb=20"]) == cli.FAILED
    assert "--page_memory_mb 20 is too little" in capfd.readouterr().err.splitlines()[-2]


def test_a_review_that_cannot_be_written_is_said_and_costs_nothing_else(monkeypatch, capsys, tmp_path):
    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("transforms.review.write_review", fail)
    config = JobConfig(output=str(tmp_path), run_id="a", review=True)
    cli._write_review(config)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "no space left" in said and f"python -m transforms.review {tmp_path} --run_id a" in said


def test_resumed_with_other_options_the_workers_delete_what_was_done(place, flags, gcs_bucket, monkeypatch):
    output = f"{gcs_bucket}/out"
    old = paths.overlay_path(output, "r", "ab" * 16, 1)
    files.write_bytes(old, b"old")
    journal = parts.Journal(parts.PartSettings(paths.parts_folder(output, "r"), "other options", 1, 10))
    journal.add(parts.Entry("facts", "ab" * 16, b"[]"))
    journal.write()
    deleted, delete_folder = [], files.delete_folder

    def noted(folder, *arguments):
        deleted.append(folder)
        return delete_folder(folder, *arguments)

    monkeypatch.setattr(files, "delete_folder", noted)
    assert cli.main([*flags, f"--output={output}", "--resume"]) == cli.OK
    assert deleted and not [folder for folder in deleted if "overlays" in folder or "parts" in folder]
    assert not files.exists(old) and files.is_empty(paths.parts_folder(output, "r"))
    assert len(files.list_files(paths.overlay_folder(output, "r"))) == 2
