from typing import NamedTuple

import apache_beam as beam
import pytest
from apache_beam.pvalue import PCollection
from apache_beam.testing.util import assert_that, equal_to

from transforms.ptransform import Transform


class Inputs(NamedTuple):
    numbers: PCollection
    more: PCollection | None = None


class Join(Transform):
    def expand(self, given: Inputs):
        return [each for each in given if each is not None] | beam.Flatten()


def test_fields_of_a_namedtuple_may_be_absent():
    with beam.Pipeline("FnApiRunner") as pipeline:
        numbers = pipeline | "Numbers" >> beam.Create([1, 2])
        more = pipeline | "More" >> beam.Create([3])
        assert_that(Inputs(numbers) | "Join one" >> Join(), equal_to([1, 2]), label="one")
        assert_that(Inputs(numbers, more) | "Join both" >> Join(), equal_to([1, 2, 3]), label="both")


def test_a_transform_without_steps_is_an_error():
    with pytest.raises(NotImplementedError):
        beam.Pipeline("FnApiRunner") | Transform()
