import json

import pytest

from transforms.machines import cost
from transforms.machines.cost import Prices, Worker, estimate, seconds_of, service_dollars

SUMMARY = {
    "run_id": "night",
    "pages": {"ok": 100},
    "stage_times": {"ocr": {"seconds": 150.0}, "model": {"seconds": 50.0}},
}


def test_price_of_a_worker_is_the_sum_of_its_parts():
    prices = Prices(core=1, memory_gb=0.1, disk_gb=0.01, gpu=5)
    assert Worker(4, 16, 50).price(prices) == pytest.approx(4 + 1.6 + 0.5)
    assert Worker(4, 16, 50, gpus=2).price(prices) == pytest.approx(16.1)


def test_run_is_done_in_time_by_the_fewest_workers():
    worker, prices = Worker(4, 0, 0), Prices(core=1, memory_gb=0, disk_gb=0)
    found = estimate(36_000, 2.0, worker, prices, hours=1.0, start_minutes=0)
    assert (found.pages_a_second, found.workers, found.hours) == (2.0, 5, 1.0)
    assert found.dollars == pytest.approx(20) and found.pages_a_dollar == pytest.approx(1800)
    slower = estimate(36_001, 2.0, worker, prices, hours=1.0, start_minutes=0)
    assert slower.workers == 6 and slower.hours < 1


def test_start_of_every_worker_is_paid():
    worker, prices = Worker(1, 0, 0), Prices(core=60, memory_gb=0, disk_gb=0)
    paid = [
        estimate(7_200, 1.0, worker, prices, hours=1.0, start_minutes=minutes).dollars for minutes in (0, 3)
    ]
    assert paid[1] - paid[0] == pytest.approx(2 * 3)


def test_services_are_cheaper_beyond_a_million_pages():
    service = {"first_million": 30, "beyond": 20}
    assert service_dollars(1_000, service) == 30
    assert service_dollars(3_000_000, service) == 30_000 + 40_000


def test_time_of_a_page_is_that_of_a_run():
    assert seconds_of(SUMMARY) == (2.0, 0.5)
    with pytest.raises(ValueError, match="run night has read no page"):
        seconds_of(SUMMARY | {"pages": {"ok": 0}})


@pytest.fixture
def output(tmp_path):
    folder = tmp_path / "runs" / "run_id=night"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(SUMMARY | {"finished_at": "2026-01-01T00:00:00Z"}))
    return str(tmp_path)


def test_report_of_a_run(output, capsys):
    assert cost.main(["--output", output, "--pages", "10,000,000", "--machine_type", "n2-standard-4"]) == 0
    printed = capsys.readouterr().out
    assert "2.00 CPU seconds a page (run night, 100 pages)" in printed
    assert "10,000,000 pages: 174 workers, 8.0 hours" in printed
    assert "210,000" in printed and "410,000" in printed


def test_gpu_takes_the_model_over(output, capsys):
    given = ["--output", output, "--gpu_type=nvidia-l4", "--machine_type=g2-standard-4"]
    assert cost.main(given) == 0
    printed = capsys.readouterr().out
    assert "1.50 CPU seconds a page" in printed and "with 1 nvidia-l4" in printed


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--machine_type=z9-standard-4"], "--machine_type: the size of machine type 'z9-standard-4'"),
        (["--run_id=a"], "--run_id needs --output"),
        (["--gpu_type=nvidia-l4", "--machine_type=g2-standard-4"], "needs --output or --on_gpu_seconds"),
        (["--gpu_type=nvidia-l4", "--on_gpu_seconds=0.1"], "goes with g2 machines, not 'n2-standard-4'"),
        (
            ["--gpu_type=nvidia-l4", "--machine_type=g2-standard-4", "--on_gpu_seconds=9"],
            "--on_gpu_seconds: must be less",
        ),
        (
            ["--gpu_type=nvidia-h100-80gb", "--machine_type=a3-highgpu-1g", "--on_gpu_seconds=0.1"],
            "give it with --gpu_hour",
        ),
    ],
)
def test_wrong_arguments_are_one_line(argv, says, capsys):
    assert cost.main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 1 and says in printed.err


def test_output_without_a_run_is_one_line(tmp_path, output, capsys):
    for argv in (["--output", str(tmp_path / "none")], ["--output", output, "--run_id", "other"]):
        assert cost.main(argv) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("flag", ["--pages=0", "--hours=-1", "--cpu_seconds=nan", "--disk_gb=x"])
def test_numbers_are_checked(flag, capsys):
    with pytest.raises(SystemExit) as ended:
        cost.main([flag])
    assert ended.value.code == 2 and flag.split("=")[0] in capsys.readouterr().err
