"""docs/dataflow.md: its sums are right, and its commands name what is there."""

import itertools
import json
import re
import shlex
from pathlib import Path

import pytest

from transforms.launch.arguments import argument_parser
from transforms.machines import cost

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "dataflow.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TEMPLATE = json.loads((ROOT / "deploy" / "flex_template.json").read_text())
PARAMETERS = {parameter["name"]: parameter for parameter in TEMPLATE["parameters"]}


def words(program: str) -> list[list[str]]:
    """The commands of the page that begin with ``program``, as a shell would take them apart."""
    text = "\n".join(COMMANDS).replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.startswith(program)]


SUMS = re.findall(r"^```\n(beam-kie cost [^\n]*)\n```\n\n```\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), SUMS)
def test_sums_are_what_the_command_prints(command, shown, capsys):
    assert cost.main(shlex.split(command)[2:]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(shown) and len(shown.splitlines()) >= 3


def test_page_has_sums_with_and_without_a_gpu():
    assert len(SUMS) >= 3 and sum("--gpu_type" in command for command, _ in SUMS) == 1


def test_parameters_of_the_first_run_are_those_of_the_template():
    (command,) = words("gcloud dataflow flex-template run")
    given = dict(word.split("=", 1) for flag, word in itertools.pairwise(command) if flag == "--parameters")
    assert given.keys() <= PARAMETERS.keys()
    assert {name for name, parameter in PARAMETERS.items() if not parameter["isOptional"]} <= given.keys()
    values = {name: value.replace("$BUCKET", "bucket") for name, value in given.items()}
    for name, value in values.items():
        assert all(re.fullmatch(pattern, value) for pattern in PARAMETERS[name]["regexes"]), name


def test_flags_of_the_job_are_known():
    known = set(argument_parser()._option_string_actions)
    (command,) = words("python run_pipeline.py")
    assert {word for word in command if word.startswith("--")} <= known
    known |= set(cost.argument_parser()._option_string_actions)
    ours = {flag for flag in re.findall(r"`(--[a-z_]+)", PAGE) if "_" in flag or flag in known}
    assert "--gpu_stage" in ours and ours <= known


def test_files_of_the_page_are_there():
    for name in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
    for name in re.findall(r"(?:deploy|tests)/\w+\.\w+", PAGE):
        assert (ROOT / name).is_file(), name
    (build,) = words("gcloud builds submit")
    assert "deploy/cloudbuild.yaml" in build


def test_counters_of_the_page_are_those_that_there_are():
    table = PAGE[PAGE.index("## Reading the counters") :]
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)*_(?:ms|ok|failed|tokens|secs))`", table))
    assert {"pages_ok", "ocr_ms", "load_model_latency_milli_secs"} <= named
    assert named <= set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "counters.md").read_text()))
