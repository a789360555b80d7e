import pytest

from beam_kie.options import from_values
from transforms.config import JobConfig
from transforms.stages.isolated_reading import isolates_pages, pool_arguments


def config(**values) -> JobConfig:
    return from_values(JobConfig, {"output": "out", "run_id": "r"} | values)


@pytest.mark.parametrize(
    ("values", "without", "with_one"),
    [
        ({}, True, False),
        ({"ocr_engine": "ppocr"}, True, False),
        ({"ocr_engine": "rapidocr"}, True, True),
        ({"ocr_engine": "none"}, True, True),
        ({"ocr_device": "cpu"}, True, True),
        ({"ocr_device": "cuda"}, False, False),
        ({"page_isolation": "on"}, True, True),
        ({"page_isolation": "off"}, False, False),
    ],
)
def test_pages_are_isolated_where_ocr_has_no_gpu(gpus, values, without, with_one):
    for count, expected in ((0, without), (1, with_one)):
        gpus(count)
        assert isolates_pages(config(**values)) is expected


def test_children_do_not_look_for_a_gpu_where_there_is_none(gpus):
    """They would import PyTorch for that."""
    gpus(0)
    assert pool_arguments(config(), None)[0].ocr.device == "cpu"
    gpus(1)
    assert pool_arguments(config(ocr_engine="ppocr"), None)[0].ocr.device == "auto"
    assert pool_arguments(config(ocr_engine="rapidocr"), None)[0].ocr.device == "cpu"
