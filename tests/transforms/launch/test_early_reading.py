import subprocess
import sys
from dataclasses import replace

import pytest
from apache_beam.utils.shared import Shared

from transforms.launch.arguments import parse_arguments
from transforms.launch.checks import prepare_job
from transforms.launch.early_reading import models_are_loaded
from transforms.stages.children import pool as pools
from transforms.stages.isolated_reading import ReadPagesFn

WITHOUT_MODELS = """
import sys
from transforms.launch import cli
job = cli.prepare_job(*cli.parse_arguments(sys.argv[1:]))
cli._graph_of(job)
print(*{"torch", "scipy", "rapidocr", "openvino", "transformers", "onnxruntime"} & sys.modules.keys())
"""


@pytest.fixture
def flags(tmp_path):
    (tmp_path / "scan.png").touch()
    return [f"--input={tmp_path}/scan.png", f"--output={tmp_path}/out", "--ocr_engine=none"]


def job(flags, *more):
    return prepare_job(*parse_arguments([*flags, "--pdf_text_layer=auto", *more]))


def test_the_first_child_of_the_run_is_started_before_its_graph_is_built(flags):
    this = job(flags, "--direct_num_workers=2", "--direct_running_mode=multi_threading")
    with models_are_loaded(this):
        ((pool, users),) = pools._pools.values()
        (early,) = pool._idle
        workers = [ReadPagesFn(this.config, "strips", Shared()) for _ in range(2)]
        for worker in workers:
            worker.setup()
            assert worker._pool is pool and users == 1
        assert pool.lend() is early, "the first page is read by the process that has its models"
        pool.give_back(early)
        for worker in workers:
            worker.teardown()
        assert early.is_alive
    assert not early.is_alive and not pools._pools


@pytest.mark.parametrize(
    "more", [["--page_isolation=off"], ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]]
)
def test_none_is_started_where_this_process_has_none(flags, more):
    with models_are_loaded(job(flags, *more)):
        assert not pools._pools


def test_what_is_wrong_with_the_model_is_told_by_others(flags, tmp_path):
    this = job(flags)
    (tmp_path / "empty").mkdir()
    with models_are_loaded(replace(this, config=replace(this.config, model=str(tmp_path / "empty")))):
        assert not pools._pools


def test_nothing_that_takes_long_to_import_is_needed_before(flags):
    run = [sys.executable, "-c", WITHOUT_MODELS, *flags[:2]]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "\n"
