import logging
import time

import apache_beam as beam
import pytest
from apache_beam.runners.portability.flink_runner import FlinkJarJobServer

from transforms.launch import cli
from transforms.launch.engines import server_output, told_progress
from transforms.metrics import count

SERVER = logging.getLogger(FlinkJarJobServer.__name__)


def test_server_s_lines_are_kept_and_not_shown(caplog):
    caplog.set_level(logging.WARNING)
    with server_output() as said:
        SERVER.info("a reason")
        SERVER.info("  ")
        for number in range(30):
            SERVER.info("line %d", number)
        SERVER.warning("it ended")
    assert list(said.lines) == [*(f"line {number}" for number in range(11, 30)), "it ended"]
    assert [record.getMessage() for record in caplog.records] == ["it ended"]
    before = len(said.lines)
    SERVER.info("later")
    assert len(said.lines) == before and SERVER.level == logging.NOTSET


def test_server_s_lines_are_shown_where_they_were_before(caplog):
    caplog.set_level(logging.INFO)
    with server_output():
        SERVER.info("started")
    assert [record.getMessage() for record in caplog.records] == ["started"]


def count_a_page(number: int) -> int:
    count("pages_ok" if number else "pages_failed")
    return number


class StillRunning:
    """A run whose counters can be asked while it goes on, as on an engine."""

    def __init__(self, result):
        self.metrics = result.metrics


class Silent:
    """A run on an engine that has no counters."""

    def metrics(self):
        raise NotImplementedError


def watch(result, caplog) -> list[str]:
    caplog.set_level(logging.INFO, "transforms.launch.engines")
    with told_progress(result, interval_s=0.01):
        time.sleep(0.2)
    return [record.getMessage() for record in caplog.records]


def test_pages_are_told_once_until_there_are_more(caplog):
    with beam.Pipeline() as pipeline:
        _ = pipeline | beam.Create(range(4)) | beam.Map(count_a_page)
    (line,) = watch(StillRunning(pipeline.result), caplog)
    assert line.startswith("pages done 3  failed 1  ")


def test_engine_without_counters_is_no_error(caplog):
    assert watch(Silent(), caplog) == []


@pytest.fixture
def java(tmp_path):
    """A Java that cannot start the job server, as with a wrong version."""
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho UnsupportedClassVersionError: too old a Java\nexit 1\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.slow
def test_job_server_that_ends_says_why(tmp_path, java, capfd):
    (tmp_path / "server.jar").write_bytes(b"x")
    (tmp_path / "scan.png").write_bytes(b"x")
    flags = [
        f"--input={tmp_path / 'scan.png'}",
        f"--output={tmp_path / 'out'}",
        "--runner=FlinkRunner",
        f"--flink_job_server_jar={tmp_path / 'server.jar'}",
        f"--job_server_java_launcher={java}",
    ]
    assert cli.main(flags) == cli.FAILED
    said = capfd.readouterr().err
    assert "too old a Java" in said
    assert "failed to start up" in said
