"""The template's metadata against the flags, and against Google's own class."""

import importlib.util
import re
from pathlib import Path

import pytest
from google.cloud import dataflow_v1beta3 as dataflow

from beam_kie.options import Option, options_of
from transforms.config import JobConfig
from transforms.launch.arguments import UsageError, argument_parser, job_config, parse_arguments
from transforms.launch.options import groups

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
TEXT = (DEPLOY / "flex_template.json").read_text(encoding="utf-8")
METADATA = dataflow.TemplateMetadata.from_json(TEXT)
PARAMETERS = {parameter.name: parameter for parameter in METADATA.parameters}
ParameterType = dataflow.ParameterType


def renderer():
    spec = importlib.util.spec_from_file_location("render_flex_template", DEPLOY / "render_flex_template.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def own_flags() -> dict[str, Option]:
    return {item.flag: item for options in groups().values() for item in options}


def accepts(name: str, text: str) -> bool:
    return all(re.fullmatch(pattern, text) for pattern in PARAMETERS[name].regexes)


def parsed(name: str, text: str):
    namespace, _ = parse_arguments([f"--{name}={text}"])
    return getattr(namespace, name)


def test_metadata_is_what_the_flags_say():
    assert renderer().render() == TEXT, "run `make docs`"
    assert METADATA.name == "beam-kie" and not METADATA.streaming


def test_nothing_in_it_is_unknown_to_google():
    """from_json refuses unknown names; what it read says the same again."""
    with pytest.raises(Exception, match="optional"):
        dataflow.TemplateMetadata.from_json(TEXT.replace('"isOptional"', '"optional"', 1))
    assert len(PARAMETERS) == len(METADATA.parameters), "a parameter is there twice"
    for parameter in METADATA.parameters:
        assert parameter.label and parameter.help_text and parameter.group_name
        assert parameter.param_type in ParameterType and parameter.param_type != ParameterType.DEFAULT
        assert re.fullmatch("[a-z][a-z0-9_]*", parameter.name)


def test_parameters_are_the_flags():
    flags = own_flags().keys()
    assert flags - PARAMETERS.keys() == {"wait", "validate_only"}
    options = {item.flag for item in options_of(JobConfig)}
    assert options <= PARAMETERS.keys(), "an option of the job cannot be set"
    known = set(argument_parser()._option_string_actions)
    assert {f"--{name}" for name in PARAMETERS} <= known


def test_required_is_what_no_job_can_do_without():
    assert {name for name, parameter in PARAMETERS.items() if not parameter.is_optional} == {
        "output",
        "sdk_container_image",
    }
    with pytest.raises(UsageError, match="--output is missing"):
        job_config(parse_arguments(["--input=gs://b/x"])[0])


@pytest.mark.parametrize("name", PARAMETERS)
def test_defaults_fit(name):
    default = own_flags()[name].flag_default if name in own_flags() else None
    if isinstance(default, bool | int | float | str):
        text = str(default).lower() if isinstance(default, bool) else str(default)
        assert accepts(name, text) and parsed(name, text) == default


@pytest.mark.parametrize("name", [n for n, p in PARAMETERS.items() if p.param_type == ParameterType.ENUM])
def test_choices_fit(name):
    choices = [option.value for option in PARAMETERS[name].enum_options]
    assert choices == list(own_flags()[name].choices)
    assert all(accepts(name, choice) and parsed(name, choice) == choice for choice in choices)
    assert not accepts(name, "nonsense") and not accepts(name, choices[0] + "x")


def test_kinds_fit():
    kinds = {name: parameter.param_type for name, parameter in PARAMETERS.items()}
    assert kinds["overwrite"] == kinds["resume"] == ParameterType.BOOLEAN
    assert kinds["pdf_dpi"] == kinds["gpu_min_ram_gb"] == kinds["max_failure_ratio"] == ParameterType.NUMBER
    assert (
        kinds["device"]
        == kinds["pdf_text_layer"]
        == kinds["gpu_stage"]
        == kinds["log_level"]
        == ParameterType.ENUM
    )
    assert kinds["output"] == kinds["gpu_type"] == ParameterType.TEXT


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("output", "gs://bucket/kie", "kie"),
        ("input", "gs://bucket/scans/**", "/scans"),
        ("manifest", "s3://bucket/list.csv", "list.csv"),
        ("run_id", "2026-11-23_night", "a/b"),
        ("overwrite", "true", "yes"),
        ("max_failure_ratio", "0.05", "5%"),
        ("max_pages", "2000", "-1"),
        ("number_of_worker_harness_threads", "8", "0"),
    ],
)
def test_patterns(name, good, bad):
    assert accepts(name, good) and not accepts(name, bad)
    parse_arguments([f"--{name}={good}"])


def test_what_was_left_empty_counts_as_left_out():
    texts = [name for name, parameter in PARAMETERS.items() if parameter.param_type == ParameterType.TEXT]
    ours = [name for name in texts if name in own_flags() and name != "input"]
    namespace, _ = parse_arguments([f"--{name}=" for name in ours])
    assert {getattr(namespace, name) for name in ours} == {None}
