import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to

from beam_kie.document import PageImage
from transforms.stages import coders


class UnpicklablePixels(np.ndarray):
    """Pixels that notice when a runner serialises them, be it only to learn their size."""

    def __reduce_ex__(self, protocol):
        raise AssertionError("the pixels of a page were pickled")


def page_image(page):
    pixels = np.zeros((40, 30, 3), np.uint8).view(UnpicklablePixels)
    return PageImage("document", "memory://scan", page, pixels)


@beam.typehints.with_output_types(PageImage)
class MakePages(beam.DoFn):
    def process(self, first):
        yield from (page_image(first + n) for n in range(20))


def count_pages(batch):
    return len(batch)


def run(runner, *flags, between=None):
    coders.register()
    with beam.Pipeline(runner=runner, options=PipelineOptions(list(flags))) as pipeline:
        pages = pipeline | beam.Create([0, 20, 40]) | beam.Reshuffle() | "Make" >> beam.ParDo(MakePages())
        if between is not None:
            pages = pages | "Between" >> between
        sizes = pages | beam.BatchElements(min_batch_size=7, max_batch_size=7) | beam.Map(count_pages)
        total = sizes | beam.CombineGlobally(sum)
        assert_that(total, equal_to([60]))


@pytest.mark.parametrize(
    "flags",
    [
        ("FnApiRunner",),
        ("DirectRunner",),
        ("FnApiRunner", "--direct_num_workers=2", "--direct_running_mode=multi_processing"),
    ],
    ids=lambda flags: "-".join(flags),
)
def test_images_pass_through_batches_without_being_serialised(flags):
    run(*flags)


def test_a_shuffle_of_images_ends_the_job():
    with pytest.raises(Exception, match="must not leave its worker"):
        run("FnApiRunner", between=beam.Reshuffle())


def test_the_runner_learns_the_size_of_an_image_without_encoding_it():
    coders.register()
    coder = beam.coders.registry.get_coder(PageImage)
    assert coder.get_impl().estimate_size(page_image(1)) == 40 * 30 * 3
    with pytest.raises(TypeError):
        coder.encode(page_image(1))
