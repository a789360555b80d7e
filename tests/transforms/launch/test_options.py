import importlib.util
import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from beam_kie.imaging.limits import DecodeLimits
from beam_kie.options import Effect, from_values, option, values_of
from transforms.config import JobConfig, Overlays
from transforms.launch.arguments import UsageError, job_config, parse_arguments
from transforms.launch.options import KieOptions

ROOT = Path(__file__).resolve().parents[3]


def test_config_is_frozen_and_travels_to_workers():
    config = JobConfig(output="out", run_id="r", input=("a/**",), limits=DecodeLimits(max_pages=3))
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(FrozenInstanceError):
        config.num_shards = 4


def test_every_option_has_a_flag_with_the_same_default():
    options = KieOptions([])
    known_at_launch = {"output": None, "run_id": None, "input": None, "num_shards": None, "review": None}
    for flag, value in values_of(JobConfig(output="out", run_id="r")).items():
        assert getattr(options, flag) == known_at_launch.get(flag, value), flag


def test_values_of_flags_are_plain_for_beam_and_members_of_enums_for_the_job():
    plain = KieOptions(["--overlays=none"]).overlays
    assert type(plain) is str
    config = from_values(JobConfig, {"output": "out", "run_id": "r", "overlays": plain})
    assert config.overlays is Overlays.NONE


def test_scratch_cannot_be_set_from_outside():
    assert not hasattr(KieOptions(["--scratch=x"]), "scratch")


def test_runners_see_the_flags_and_hand_them_to_workers():
    flags = ["--input", "a", "b", "--input=c", "--overwrite", "--overlays=none", "--run_id=r"]
    given = PipelineOptions(flags).get_all_options(drop_default=True)
    assert given == {"input": ["a", "b", "c"], "overwrite": True, "overlays": "none", "run_id": "r"}
    assert PipelineOptions.from_dictionary(given).get_all_options(drop_default=True) == given


def test_pipelines_of_others_need_none_of_the_flags():
    with test_pipeline.TestPipeline() as pipeline:
        assert_that(pipeline | beam.Create([1]), equal_to([1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WithOneMore(JobConfig):
    greeting: str = field(
        default="hello",
        metadata=option("What to say.", group="Output", effect=Effect.NONE, metavar="TEXT"),
    )


def script(path: str):
    """A script of this repository that is no module of a package."""
    spec = importlib.util.spec_from_file_location("script", ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_field_is_all_that_a_new_option_needs(monkeypatch, capsys):
    for module in ("options", "arguments"):
        monkeypatch.setattr(f"transforms.launch.{module}.JobConfig", WithOneMore)
    namespace, beam_options = parse_arguments(["--output=out", "--greeting=good morning"])
    assert job_config(namespace).greeting == "good morning"
    assert beam_options.get_all_options(drop_default=True)["greeting"] == "good morning"
    with pytest.raises(UsageError, match="--greeting"):
        parse_arguments(["--greting=x"])
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    assert "--greeting TEXT" in capsys.readouterr().out
    page = script("docs/render_options.py").render((ROOT / "docs" / "options.md").read_text(encoding="utf-8"))
    assert "| `--greeting TEXT` | What to say. | hello |" in page
    parameters = script("deploy/render_flex_template.py").metadata()["parameters"]
    assert [entry["groupName"] for entry in parameters if entry["name"] == "greeting"] == ["Output"]
