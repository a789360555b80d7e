import pickle
from dataclasses import FrozenInstanceError, fields

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from transforms.config import JobConfig
from transforms.launch.options import KieOptions


def test_config_is_frozen_and_travels_to_workers():
    config = JobConfig(output="out", run_id="r", input=("a/**",), max_pages=3)
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(FrozenInstanceError):
        config.max_pages = 4


def test_every_field_has_a_flag_with_the_same_default():
    options = KieOptions([])
    asked_otherwise = {"output": None, "run_id": None, "input": None, "num_shards": None}
    for field in fields(JobConfig):
        if field.name != "scratch":
            assert getattr(options, field.name) == asked_otherwise.get(field.name, field.default), field.name


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
