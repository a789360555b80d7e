"""Nightly runs: the wrapper's lock with real processes, and the files in deploy/ against the job's flags."""

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from google.cloud import dataflow_v1beta3 as dataflow
from PIL import Image

from transforms.launch import cli
from transforms.launch.arguments import job_config, parse_arguments
from transforms.launch.dataflow import check_service, with_gpus

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
NIGHTLY = DEPLOY / "nightly.sh"
PAGE = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
BUSY, UNAVAILABLE = (
    int(re.search(rf"^{name}=(\d+)$", NIGHTLY.read_text(), re.MULTILINE)[1])
    for name in ("BUSY", "UNAVAILABLE")
)

# Stands in for Python: says that it runs, waits until somebody writes an exit code to the pipe, ends with it.
STAND_IN = """#!/usr/bin/env bash
echo "$@" >> "$RUNS"
echo started
read -r code < "$ORDERS"
exit "$code"
"""


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with a program in Python's place, the list of its runs and the pipe that it waits for."""
    program = tmp_path / "python"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    os.mkfifo(tmp_path / "orders")
    monkeypatch.setenv("BEAM_KIE_PYTHON", str(program))
    monkeypatch.setenv("BEAM_KIE_LOCK", str(tmp_path / "state" / "nightly.lock"))
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ORDERS", str(tmp_path / "orders"))
    return tmp_path


def start(*flags: str) -> subprocess.Popen:
    """A nightly run that has begun and waits."""
    run = subprocess.Popen([NIGHTLY, *flags], stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "started\n"
    return run


def end(run: subprocess.Popen, place: Path, code: int) -> int:
    (place / "orders").write_text(f"{code}\n")
    run.communicate()
    return run.returncode


def refused() -> str:
    second = subprocess.run([NIGHTLY, "--second"], capture_output=True, text=True, timeout=30)
    assert second.returncode == BUSY, second
    return second.stderr


def test_two_runs_never_overlap(place):
    first = start("--input", "scans of today")
    said = refused()
    assert said == f"nightly.sh: another run holds {place}/state/nightly.lock; nothing was started\n"
    assert end(first, place, 0) == 0
    second = start("--second")
    assert end(second, place, 0) == 0
    ran = (place / "runs").read_text().splitlines()
    assert ran == [f"{ROOT}/run_pipeline.py --input scans of today", f"{ROOT}/run_pipeline.py --second"]


def test_exit_code_is_that_of_the_run(place):
    for code in (1, 2, 130):
        assert end(start(), place, code) == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_lock_of_a_run_that_was_killed_is_free(place, number):
    first = start()
    refused()
    first.send_signal(number)
    first.communicate()
    assert first.returncode == -number, "the signal reaches the run itself, not a wrapper around it"
    assert (place / "state" / "nightly.lock").exists()
    assert end(start(), place, 0) == 0


def test_machine_that_lacks_something_starts_nothing(place, monkeypatch):
    def said() -> str:
        done = subprocess.run([NIGHTLY], capture_output=True, text=True)
        assert done.returncode == UNAVAILABLE
        assert not (place / "runs").exists()
        return done.stderr

    monkeypatch.setenv("BEAM_KIE_PYTHON", str(place / "no-python"))
    assert f"there is no {place}/no-python" in said()
    monkeypatch.setenv("BEAM_KIE_PYTHON", str(place / "python"))
    monkeypatch.setenv("BEAM_KIE_LOCK", str(place / "python" / "lock"))
    assert f"cannot open the lock {place}/python/lock" in said()


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Path:
    """The output folder of a real night: one scan with a given line, through the wrapper."""
    folder = tmp_path_factory.mktemp("night")
    Image.new("RGB", (300, 400), "white").save(folder / "scan.png")
    line = {"text": "Name: Li Lei", "box": [20, 30, 200, 50], "confidence": 0.9}
    given = {"uri": str(folder / "scan.png"), "page": 1, "lines": [line]}
    (folder / "lines.jsonl").write_text(json.dumps(given))
    flags = ["--input=scan.png", "--output=kie", "--ocr_engine=none", "--ocr_lines=lines.jsonl"]
    own = {"BEAM_KIE_PYTHON": sys.executable, "BEAM_KIE_LOCK": str(folder / "lock"), "OMP_NUM_THREADS": "1"}
    run = {"cwd": folder, "capture_output": True, "text": True, "env": {**os.environ, **own}}
    done = subprocess.run([NIGHTLY, *flags, "--device=cpu", "--skip_done", "--max_failure_ratio=0.05"], **run)
    assert done.returncode == cli.OK, done.stderr
    again = subprocess.run([NIGHTLY, *flags, "--overlay=all"], **run)
    assert again.returncode == cli.BAD_OPTIONS and "unknown flag --overlay" in again.stderr
    return folder / "kie"


def queries(output: Path) -> list[str]:
    return [
        text.replace("/srv/kie", str(output)) for text in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    ]


@pytest.mark.slow
def test_queries_of_the_page_watch_a_real_night(night):
    nights, last = queries(night)
    (row,) = duckdb.sql(nights).fetchall()
    named = dict(zip(duckdb.sql(nights).columns, row, strict=True))
    assert (named["documents"], named["success"], named["failure"]) == (1, 1, 0)
    assert named["counts_add_up"] is True and named["failure_ratio"] == 0
    assert duckdb.sql(last).fetchall() == [("ok",)]
    (path,) = night.glob("runs/*/summary.json")
    summary = json.loads(path.read_text())
    for field in re.findall(r"^\| `([a-z_.]+)` \|", PAGE, re.MULTILINE):
        value = summary
        for name in field.split("."):
            value = value[name]
    worse = summary | {"documents": summary["documents"] | {"failure_ratio": 0.5}}
    path.write_text(json.dumps(worse))
    assert duckdb.sql(last).fetchall() == [("bad",)]
    path.write_text(json.dumps(summary | {"finished_at": "2020-01-01T00:00:00Z"}))
    assert duckdb.sql(last).fetchall() == [("missing",)]


def test_page_names_every_exit_code():
    codes = {value for name, value in vars(cli).items() if name.isupper() and isinstance(value, int)}
    assert {cli.OK, cli.FAILED, cli.BAD_OPTIONS, cli.INTERRUPTED} <= codes
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert named == codes | {BUSY, UNAVAILABLE}
    for name, code in (("an earlier run still goes on", BUSY), ("this machine lacks something", UNAVAILABLE)):
        assert re.search(rf"^#   {code}  {name}", NIGHTLY.read_text(), re.MULTILINE)


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read_string(re.sub(r"\\\n\s*", "", (DEPLOY / name).read_text()))
    return parser


def flags_in(command: str) -> list[str]:
    """The job's flags in a command line that calls the wrapper where it is installed."""
    program, *flags = shlex.split(command)
    assert program == "/opt/beam-kie/deploy/nightly.sh"
    return flags


def test_service_and_cron_run_the_same_job():
    service = flags_in(unit("beam-kie.service")["Service"]["ExecStart"])
    (entry,) = [line for line in (DEPLOY / "crontab.example").read_text().splitlines() if line[:1].isdigit()]
    *when, command = entry.split(maxsplit=5)
    assert len(when) == 5 and all(re.fullmatch(r"[0-9*,/-]+", field) for field in when)
    assert "%" not in command, "cron takes it for the end of the line"
    cron = flags_in(command.split(" >> ")[0])
    assert service == cron
    config = job_config(parse_arguments(service)[0])
    assert config.skip_done and config.max_failure_ratio == 0.05
    assert unit("beam-kie.service")["Service"]["ReadWritePaths"] == config.output


def test_units_are_good_to_systemd(tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze")
    for name in ("beam-kie.service", "beam-kie.timer"):
        text = (
            (DEPLOY / name)
            .read_text()
            .replace("/opt/beam-kie", str(ROOT))
            .replace("User=beam-kie", "User=root")
        )
        (tmp_path / name).write_text(text)
    units = [tmp_path / "beam-kie.service", tmp_path / "beam-kie.timer"]
    done = subprocess.run([program, "verify", *units], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "beam-kie" in line]
    assert done.returncode == 0 and not ours, done.stderr
    when = unit("beam-kie.timer")["Timer"]["OnCalendar"]
    subprocess.run([program, "calendar", when], check=True, capture_output=True)


PLACEHOLDERS = {"BUCKET": "my-bucket", "PROJECT": "my-project", "IMAGE": "us-docker.pkg.dev/p/r/beam-kie:1"}


def launch_request() -> dataflow.LaunchFlexTemplateRequest:
    text = (DEPLOY / "scheduler_body.json").read_text()
    for name, value in PLACEHOLDERS.items():
        assert name in text and f"s#{name}#${name}#g" in PAGE
        text = text.replace(name, value)
    assert not re.search(r"\b[A-Z]{3,}\b", text), "a placeholder is left"
    body = {"projectId": "my-project", "location": "us-central1", **json.loads(text)}
    return dataflow.LaunchFlexTemplateRequest.from_json(json.dumps(body))


def test_body_of_the_scheduler_is_a_launch_request():
    launch = launch_request().launch_parameter
    assert launch.job_name == "beam-kie-nightly" and re.fullmatch(
        "[a-z]([a-z0-9-]{0,38}[a-z0-9])?", launch.job_name
    )
    assert launch.container_spec_gcs_path == "gs://my-bucket/templates/beam-kie.json"
    assert launch.environment.max_workers == 20 and launch.environment.machine_type == "n2-standard-4"
    assert launch.environment.service_account_email == "beam-kie-worker@my-project.iam.gserviceaccount.com"


def test_body_of_the_scheduler_fits_the_template_and_the_flags():
    launch = launch_request().launch_parameter
    metadata = dataflow.TemplateMetadata.from_json((DEPLOY / "flex_template.json").read_text())
    known = {parameter.name: parameter for parameter in metadata.parameters}
    given = dict(launch.parameters)
    assert given.keys() <= known.keys()
    assert {name for name, parameter in known.items() if not parameter.is_optional} <= given.keys()
    for name, value in given.items():
        assert all(re.fullmatch(pattern, value) for pattern in known[name].regexes), name
    environment = launch.environment
    flags = [f"--{name}={value}" for name, value in given.items()]
    flags += ["--project=my-project", "--region=us-central1", f"--temp_location={environment.temp_location}"]
    flags += [
        f"--staging_location={environment.staging_location}",
        f"--machine_type={environment.machine_type}",
    ]
    namespace, options = parse_arguments(flags)
    check_service(options)
    config = with_gpus(job_config(namespace), options)
    assert config.skip_done and config.overlays == "failures" and config.input == ("gs://my-bucket/scans/**",)
