import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.launch import cores
from transforms.launch.arguments import UsageError, parse_arguments
from transforms.launch.checks import prepare_job

PROCESSES = "--direct_running_mode=multi_processing"


@pytest.mark.parametrize(
    ("runner", "flags", "threads"),
    [
        ("FnApiRunner", [], 0),
        ("FnApiRunner", ["--direct_num_workers=4", "--direct_running_mode=multi_threading"], 0),
        ("FnApiRunner", ["--direct_num_workers=4", PROCESSES], 2),
        ("FnApiRunner", ["--direct_num_workers=3", PROCESSES], 2),
        ("FnApiRunner", ["--direct_num_workers=99", PROCESSES], 1),
        ("FnApiRunner", ["--direct_num_workers=0", PROCESSES], 1),
        ("DataflowRunner", [], 1),
        ("DataflowRunner", ["--experiments=no_use_multiple_sdk_containers"], 0),
        ("PortableRunner", [], 0),
        ("FlinkRunner", ["--sdk_worker_parallelism=0"], 1),
        ("FlinkRunner", ["--sdk_worker_parallelism=4"], 0),
    ],
)
def test_processes_side_by_side_share_the_cores(monkeypatch, runner, flags, threads):
    monkeypatch.setattr(cores, "usable_cores", lambda: 8)
    assert cores.fair_ocr_threads(PipelineOptions(flags), runner) == threads


@pytest.mark.parametrize(("flags", "threads"), [([], 4), (["--ocr_threads=3"], 3)])
def test_ocr_gets_the_threads(tmp_path, monkeypatch, flags, threads):
    monkeypatch.setattr(cores, "usable_cores", lambda: 8)
    (tmp_path / "scan.png").write_bytes(b"x")
    argv = ["--input", str(tmp_path / "scan.png"), "--output", str(tmp_path / "out")]
    job = prepare_job(*parse_arguments([*argv, "--direct_num_workers=2", *flags]))
    assert job.config.ocr.threads == threads


@pytest.mark.parametrize(
    ("runner", "flags", "workers"),
    [
        ("FlinkRunner", [], 1),
        ("FlinkRunner", ["--sdk_worker_parallelism=4"], 4),
        ("FlinkRunner", ["--sdk_worker_parallelism=0"], 1),
        ("FnApiRunner", ["--sdk_worker_parallelism=4"], 1),
    ],
)
def test_workers_of_other_engines_share_a_machine(runner, flags, workers):
    assert cores.workers_a_machine(PipelineOptions(flags), runner) == workers


def test_number_of_workers_is_checked():
    with pytest.raises(UsageError, match="--sdk_worker_parallelism: must be a whole number"):
        cores.workers_a_machine(PipelineOptions(["--sdk_worker_parallelism=many"]), "FlinkRunner")
