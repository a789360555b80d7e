import json
import logging

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions

from transforms.launch import logs


@pytest.fixture(autouse=True)
def restore_logging():
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    levels = {name: logging.getLogger(name).level for name in (*logs._OURS, *logs._SELF_WILLED)}
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_libraries_only_warn(capsys):
    logs.set_up("INFO", "text")
    logging.getLogger("beam_kie").info("ours")
    logging.getLogger("apache_beam.runners").info("theirs")
    logging.info("nobody's")
    logging.getLogger("apache_beam.runners").warning("their warning")
    assert capsys.readouterr().err == "INFO ours\nWARNING their warning\n"


def test_at_debug_all_log_but_beam_which_would_log_elements(capsys):
    logs.set_up("DEBUG", "text")
    logging.getLogger("apache_beam.runners.worker.operations").debug("Processing [an element]")
    logging.getLogger("grpc").debug("theirs")
    assert capsys.readouterr().err == "DEBUG theirs\n"


@pytest.mark.parametrize(
    "given", [[], ['--sdk_harness_log_level_overrides={"apache_beam.runners.worker": "DEBUG"}']]
)
def test_workers_of_their_own_never_log_elements(given):
    options = PipelineOptions(["--default_sdk_harness_log_level=DEBUG", *given])
    logs.never_log_elements(options)
    assert options.view_as(WorkerOptions).sdk_harness_log_level_overrides == {"apache_beam": "INFO"}


def test_errors_only(capsys):
    logs.set_up("ERROR", "text")
    for name in ("beam_kie", "apache_beam", "RapidOCR"):
        logging.getLogger(name).warning("%s warns", name)
    logging.getLogger("transforms.stages.ocr").error("failed")
    assert capsys.readouterr().err == "ERROR failed\n"


def test_json_lines_can_be_parsed_one_by_one(capsys):
    logs.set_up("INFO", "json")
    logging.getLogger("beam_kie").info("two\nlines of %s", "ä")
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("beam_kie").exception("it failed")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["severity"], first["logger"], first["message"]) == ("INFO", "beam_kie", "two\nlines of ä")
    assert first["time"].endswith("+00:00")
    assert "ValueError: no" in second["exception"]


def test_stream_turns_lines_into_log_lines(capsys):
    logs.set_up("INFO", "json")
    stream = logs.LogStream(logging.getLogger("beam_kie"))
    stream.write("pages done 3\n")
    stream.write("\n")
    stream.flush()
    assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["pages done 3"]
    assert not stream.isatty()
