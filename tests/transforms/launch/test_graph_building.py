import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions, TypeOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms import userstate

from transforms.launch.graph_building import dofns_seen_once, options_parsed_once

SEEN = beam.DoFn.StateParam(userstate.BagStateSpec("seen", VarIntCoder()))


class Counts(beam.DoFn):
    def process(self, element, seen=SEEN):
        seen.add(element[1])
        yield len(list(seen.read()))


class Plain(beam.DoFn):
    def process(self, element):
        yield element


class WithoutHash(Plain):
    __hash__ = None


@pytest.fixture
def looks(monkeypatch):
    """The DoFns that Beam's own function has looked at."""
    seen = []
    look = userstate.get_dofn_specs
    monkeypatch.setattr(userstate, "get_dofn_specs", lambda dofn: (seen.append(dofn), look(dofn))[1])
    return seen


@pytest.mark.parametrize(("dofn", "is_stateful"), [(Counts(), True), (Plain(), False)])
def test_a_dofn_is_looked_at_once(looks, dofn, is_stateful):
    own = userstate.get_dofn_specs
    with dofns_seen_once():
        for _ in range(3):
            assert userstate.is_stateful_dofn(dofn) is is_stateful
            userstate.validate_stateful_dofn(dofn)
        assert looks == [dofn]
    assert userstate.get_dofn_specs is own


def test_dofns_of_one_class_may_differ(looks):
    dofns = [beam.Map(str).fn, beam.Map(repr).fn]
    looks.clear()
    with dofns_seen_once():
        for dofn in dofns * 2:
            assert not userstate.is_stateful_dofn(dofn)
    assert looks == dofns


def test_a_dofn_without_a_hash_is_looked_at_every_time(looks):
    dofn = WithoutHash()
    with dofns_seen_once():
        assert not any(userstate.is_stateful_dofn(dofn) for _ in range(2))
    assert looks == [dofn, dofn]


def graph():
    pipeline = beam.Pipeline(options=PipelineOptions([]))
    counts = pipeline | beam.Create([("a", 1), ("a", 2)]) | beam.ParDo(Counts()) | beam.ParDo(Plain())
    assert_that(counts, equal_to([1, 2]))
    return pipeline


def payloads(pipeline):
    proto = pipeline.to_runner_api()
    return {
        transform.unique_name: beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
        for transform in proto.components.transforms.values()
        if transform.spec.urn == "beam:transform:pardo:v1"
    }


def test_the_graph_is_the_same():
    with dofns_seen_once(), options_parsed_once():
        inside = payloads(graph())
    outside = payloads(graph())
    assert inside.keys() == outside.keys()
    assert {name: sorted(payload.state_specs) for name, payload in inside.items()} == {
        name: sorted(payload.state_specs) for name, payload in outside.items()
    }
    assert any(payload.state_specs for payload in inside.values())


def test_state_works_in_a_graph_that_was_built_so():
    with dofns_seen_once(), options_parsed_once():
        pipeline = graph()
    with dofns_seen_once():
        pipeline.run().wait_until_finish()


def test_views_share_values_and_options_do_not():
    make = PipelineOptions.view_as
    options, others = PipelineOptions(["--runner=DirectRunner"]), PipelineOptions(["--runner=FlinkRunner"])
    with options_parsed_once():
        view = options.view_as(StandardOptions)
        assert view is options.view_as(StandardOptions) is view.view_as(StandardOptions)
        view.streaming = True
        assert options.view_as(TypeOptions).view_as(StandardOptions).streaming
        assert others.view_as(StandardOptions).runner == "FlinkRunner"
        assert not others.view_as(StandardOptions).streaming
    assert PipelineOptions.view_as is make
    assert options.view_as(StandardOptions).streaming
