import re

import pytest
from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions

from transforms.config import JobConfig
from transforms.launch.arguments import (
    UsageError,
    argument_parser,
    job_config,
    new_run_id,
    own_groups,
    parse_arguments,
)


def config_of(*argv: str) -> JobConfig:
    return job_config(parse_arguments([*argv, "--output=out"])[0])


def message_of(*argv: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_arguments(argv)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_are_those_of_the_configuration():
    assert config_of("--run_id=r") == JobConfig(output="out", run_id="r")


def test_inputs_may_be_several_and_repeated():
    assert config_of("--input", "a", "b/**", "--num_shards", "2", "--input", "c").input == ("a", "b/**", "c")


def test_beam_flags_reach_beam():
    _, options = parse_arguments(
        [
            "--output=o",
            "--project=p",
            "--input",
            "a",
            "b",
            "--direct_num_workers",
            "3",
            "--temp_location=gs://b/t",
        ]
    )
    assert options.view_as(DirectOptions).direct_num_workers == 3
    cloud = options.view_as(GoogleCloudOptions)
    assert (cloud.project, cloud.temp_location) == ("p", "gs://b/t")


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["--overlay", "all"], "unknown flag --overlay: did you mean --overlays?"),
        (["--max_page=3"], "unknown flag --max_page: did you mean --max_pages?"),
        (["--inputs", "x"], "unknown flag --inputs: did you mean --input?"),
        (["--runer=DirectRunner"], "unknown flag --runer: did you mean --runner?"),
        (["--temp-location=x"], "unknown flag --temp-location: did you mean --temp_location?"),
        (["--zzzzzz"], "unknown flag --zzzzzz: see --help"),
        (["-i", "x"], "unknown flag -i: see --help"),
        (["scans"], "unexpected argument 'scans': every value belongs to a flag, for example --input"),
        (["--overwrite", "--scratch=x"], "unknown flag --scratch: "),
    ],
)
def test_unknown_flag_names_the_closest_one(argv, hint):
    assert message_of(*argv).startswith(hint)


def test_flags_may_not_be_shortened():
    assert "unknown flag --over" in message_of("--over")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--pdf_dpi=3"], "--pdf_dpi: must be from 36 to 1200, not 3"),
        (["--pdf_dpi=x"], "--pdf_dpi: 'x' is not a whole number"),
        (["--max_pages=0"], "--max_pages: must be at least 1, not 0"),
        (["--max_failure_ratio=1.5"], "--max_failure_ratio: must be a number from 0 to 1, not '1.5'"),
        (["--max_failure_ratio=nan"], "--max_failure_ratio: must be a number from 0 to 1, not 'nan'"),
        (["--overlays=some"], "--overlays: invalid choice: 'some'"),
        (["--ocr_engine=tesseract"], "--ocr_engine: invalid choice: 'tesseract'"),
        (["--overwrite=maybe"], "--overwrite: must be true or false, not 'maybe'"),
        (["--run_id=a/b"], "--run_id: 'a/b' must be 1 to 100 letters"),
        (["--run_id=.a"], "--run_id: '.a' must be 1 to 100 letters"),
        (["--input"], "--input: expected at least one argument"),
        (["--num_workers=many"], "--num_workers: invalid int value: 'many'"),
    ],
)
def test_impossible_value_is_explained(argv, says):
    assert message_of(*argv).startswith(says)


@pytest.mark.parametrize(("text", "value"), [("", True), ("=true", True), ("=False", False), ("=0", False)])
def test_switches_may_have_a_value_as_job_templates_give_them(text, value):
    assert config_of(f"--overwrite{text}").overwrite is value


def test_default_true_can_be_switched_off():
    assert config_of("--ocr_detect_rotation=false").ocr_detect_rotation is False


def test_empty_text_of_a_job_template_is_no_value():
    config = config_of("--manifest=", "--ocr_lines=", "--run_id=", "--model=")
    assert (config.manifest, config.ocr_lines, config.model) == (None, None, "bundled")
    assert config.run_id


def test_output_must_be_given():
    with pytest.raises(UsageError, match="--output is missing"):
        job_config(parse_arguments(["--input", "x"])[0])


def test_run_ids_sort_by_time_and_differ():
    ids = {new_run_id() for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"20\d{6}T\d{6}Z-[0-9a-f]{6}", run_id) for run_id in ids)
    assert all(config_of(f"--run_id={run_id}").run_id == run_id for run_id in ids)


def test_help_is_in_groups_and_shows_every_default(capsys):
    with pytest.raises(SystemExit) as stop:
        parse_arguments(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    groups = [line[:-1] for line in shown.splitlines() if re.fullmatch(r"[A-Z]\w+:", line)]
    assert groups == ["Input", "OCR", "Model", "Output", "Overlays", "Limits", "Run", "Beam"]
    for group in own_groups(argument_parser()):
        for action in group._group_actions:
            assert f"  {action.option_strings[0]} " in shown
            assert re.search(r"\(default: [^)]+\)$", action.help)
    assert "  --streaming" not in shown
    assert "--runner" in shown
