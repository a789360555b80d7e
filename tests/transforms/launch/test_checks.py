import importlib.util
import json
import os
from pathlib import Path

import pytest
import torch
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from transforms.launch import checks
from transforms.launch.arguments import UsageError, parse_arguments
from transforms.launch.checks import Job, prepare_job
from transforms.runs import locks, paths


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The working folder, with a scan and something that looks like a model."""
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.png").write_bytes(b"x")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job_of(*argv: str) -> Job:
    return prepare_job(*parse_arguments(["--model=model", "--output=out", "--run_id=r", *argv]))


def message_of(*argv: str) -> str:
    before = sorted(Path.cwd().rglob("*"))
    with pytest.raises(UsageError) as caught:
        job_of(*argv)
    assert sorted(Path.cwd().rglob("*")) == before, "something was written"
    assert "\n" not in str(caught.value)
    return str(caught.value)


SCANS = ("--input", "scans")


def test_job_holds_what_workers_need_wherever_they_run(place):
    job = job_of(*SCANS, "--input=scans/a.png")
    assert job.config.input == (f"{place}/scans/**", f"{place}/scans/a.png")
    assert job.config.output == f"{place}/out"
    assert job.config.model == f"{place}/model"
    assert job.config.re_model is None
    assert job.config.scratch is None


def test_two_models_may_find_and_relate(place):
    (place / "other").mkdir()
    (place / "other" / "config.json").write_text("{}")
    config = job_of(*SCANS, "--ser_model=other", "--re_model=model").config
    assert (config.model, config.re_model) == (f"{place}/other", f"{place}/model")


@pytest.mark.parametrize(
    "asked", [[], ["--runner=DirectRunner"], ["--runner=direct"], ["--runner=FnApiRunner"]]
)
def test_direct_runner_is_always_the_same_engine(place, asked):
    job = job_of(*SCANS, *asked)
    assert job.runner == "FnApiRunner"
    assert job.options.view_as(StandardOptions).runner == "FnApiRunner"
    assert job.is_local


@pytest.mark.parametrize(
    ("cores", "flags", "workers", "mode"),
    [
        (4, [], 4, "multi_threading"),
        (64, [], 8, "multi_threading"),
        (1, [], 1, "in_memory"),
        (4, ["--direct_num_workers=1"], 1, "in_memory"),
        (4, ["--direct_running_mode=in_memory"], 1, "in_memory"),
        (4, ["--direct_running_mode=multi_processing"], 4, "multi_processing"),
        (4, ["--runner=BundleBasedDirectRunner"], 1, "in_memory"),
    ],
)
def test_a_run_on_this_machine_uses_its_cores(place, monkeypatch, cores, flags, workers, mode):
    monkeypatch.setattr("transforms.launch.cores.usable_cores", lambda: cores)
    direct = job_of(*SCANS, *flags).options.view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode) == (workers, mode)


def test_several_workers_take_processes(place):
    mode = job_of(*SCANS, "--direct_num_workers=2").options.view_as(DirectOptions).direct_running_mode
    assert mode == "multi_processing"
    threads = job_of(*SCANS, "--direct_num_workers=2", "--direct_running_mode=multi_threading")
    assert threads.options.view_as(DirectOptions).direct_running_mode == "multi_threading"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "nothing to read: give --input or --manifest"),
        (["--input", "scans", "none/**"], "--input matches no file: 'none/**'"),
        (["--input", "ftp://h/a.png"], "no filesystem for 'ftp://h/a.png'"),
        (["--manifest=none.txt"], "cannot read the manifest"),
        ([*SCANS, "--model=nowhere"], "--model: model 'nowhere'"),
        ([*SCANS, "--re_model=nowhere"], "--re_model: model 'nowhere'"),
        (
            [*SCANS, "--ocr_engine=none", "--pdf_text_layer=off"],
            "--ocr_engine none reads nothing: add --ocr_lines",
        ),
        ([*SCANS, "--ocr_lines=none.jsonl"], "--ocr_lines: there is no file"),
        ([*SCANS, "--list_skipped"], "--list_skipped lists what --skip_done leaves out"),
        ([*SCANS, "--ocr_det_model_dir=none"], "--ocr_det_model_dir: there is no folder"),
        ([*SCANS, "--output=scans/a.png"], "--output: "),
        ([*SCANS, "--output=scans"], "--output: "),
        ([*SCANS, "--output=scans/out"], "--output: "),
        ([*SCANS, "--output=ftp://h/out"], "--output: no filesystem for"),
        ([*SCANS, "--runner=DaskRunner"], "--runner DaskRunner is not supported: it drops batches"),
        ([*SCANS, "--runner=dask"], "--runner dask is not supported"),
        (
            [*SCANS, "--runner=DataflwRunner"],
            "--runner DataflwRunner is unknown: did you mean DataflowRunner?",
        ),
        ([*SCANS, "--runner=apache_beam.NoRunner"], "--runner apache_beam.NoRunner: "),
        ([*SCANS, "--direct_num_workers=-1"], "--direct_num_workers: must be 0"),
    ],
)
def test_impossible_job_is_refused_in_one_line(place, argv, says):
    assert message_of(*argv).startswith(says)


def test_an_engine_that_is_not_installed_is_refused_with_its_extra(place, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "paddleocr" else find_spec(name)
    )
    message = message_of(*SCANS, "--ocr_engine=paddleocr")
    assert message.startswith("--ocr_engine paddleocr ") and "'beam-kie[paddle]'" in message
    job_of(*SCANS)


def test_output_inside_the_input_is_refused_as_what_it_is(place):
    assert "pictures would be read as scans" in message_of(*SCANS, "--output=scans/out")
    job_of("--input=scans/*.png", "--output=scans/out")


def test_output_that_cannot_be_written_is_refused(place, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(place))
    assert message_of(*SCANS) == f"--output: {str(place)!r} cannot be written to"


def test_run_that_is_there_already_needs_overwrite(place):
    done = Path(paths.summary_path("out", "r"))
    done.parent.mkdir(parents=True)
    done.write_text("{}")
    assert "already holds run r; give another --run_id, or --overwrite" in message_of(*SCANS)
    job_of(*SCANS, "--run_id=other")
    job_of(*SCANS, "--overwrite")
    assert done.exists(), "checks delete nothing"


def test_run_that_broke_off_needs_overwrite_too(place):
    part = Path(paths.table_path("out", "pages", "r", 0, 1))
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    assert "already holds run r" in message_of(*SCANS)


def test_manifest_must_list_something_readable(place):
    Path("list.csv").write_text("uri\n")
    assert message_of("--manifest=list.csv") == f"--manifest: '{place}/list.csv' lists no file"
    Path("list.txt").write_text("ftp://host/a.png\n")
    assert message_of("--manifest=list.txt").startswith("--manifest: no filesystem for 'ftp://host/a.png'")
    Path("list.txt").write_text("scans/a.png\nscans/gone.png\n")
    assert job_of("--manifest=list.txt").config.manifest == f"{place}/list.txt"


@pytest.mark.parametrize(
    ("flag", "means"),
    [
        ("--pdf_text_layer", "auto"),
        ("--pdf_text_layer=auto", "auto"),
        ("--pdf_text_layer=always", "always"),
        ("--pdf_text_layer=off", "off"),
        # As it was spelled when the option had two values.
        ("--pdf_text_layer=true", "auto"),
        ("--pdf_text_layer=False", "off"),
    ],
)
def test_the_text_layer_is_chosen_by_a_word(place, flag, means):
    assert job_of(*SCANS, flag).config.pdf_text_layer == means


def test_given_lines_stand_in_for_ocr(place):
    Path("lines.jsonl").write_text("")
    assert job_of(*SCANS, "--ocr_engine=none").config.pdf_text_layer == "auto"
    job = job_of(*SCANS, "--ocr_engine=none", "--ocr_lines=lines.jsonl")
    assert job.config.ocr_lines == f"{place}/lines.jsonl"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"uri": "scans/a.png", "lines": []}, {"uri": "b", "lines": [{"text": "secret"}]}], "line 2 of the"),
        ([{"uri": "scans/a.png", "lines": [{"text": "secret", "box": [5, 5, 5, 9]}]}], "line 1 of the"),
        # two spellings of one file
        ([{"uri": "scans/a.png", "lines": []}, {"uri": "./scans/a.png", "lines": []}], "line 2 of the"),
    ],
)
def test_lines_that_cannot_be_used_are_refused_with_file_and_line(place, rows, says):
    Path("lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    message = message_of(*SCANS, "--ocr_lines=lines.jsonl")
    assert message.startswith(f"--ocr_lines: '{place}/lines.jsonl': {says}")
    assert "secret" not in message


def test_two_names_of_an_output_are_one(place):
    (place / "link").symlink_to("out")
    assert job_of(*SCANS, "--output=link").config.output == f"{place}/out"
    (place / "out" / "runs" / "run_id=r").mkdir(parents=True)
    (place / "out" / "runs" / "run_id=r" / "summary.json").write_text("{}")
    assert "already holds run r" in message_of(*SCANS, "--output=link")


def test_an_output_in_an_input_is_refused_by_any_name(place):
    (place / "link").symlink_to("scans")
    for given, output in (("link", "scans/out"), ("scans", "link/out"), ("link/**", "scans")):
        assert message_of("--input", given, f"--output={output}").startswith("--output: ")


@pytest.mark.parametrize("flags", [[], ["--resume"], ["--overwrite"], ["--validate_only"]])
def test_a_run_that_is_going_on_is_refused(place, flags):
    with locks.claimed(f"{place}/out", "r", locks.Replace.NOTHING):
        assert message_of(*SCANS, *flags).startswith("--run_id: another process is writing run r")
    assert job_of(*SCANS, *flags)


def test_lines_of_files_that_are_not_read_are_told(place, caplog):
    Path("lines.jsonl").write_text('{"uri": "scans/a.png", "lines": []}\n')
    job_of(*SCANS, "--ocr_lines=lines.jsonl")
    assert not caplog.records
    Path("lines.jsonl").write_text('{"uri": "a.png", "lines": []}\n')
    job_of(*SCANS, "--ocr_lines=lines.jsonl")
    (record,) = caplog.records
    assert f"{place}/a.png" in record.getMessage()


def test_a_gpu_that_is_not_there_is_refused_at_once(place, gpus, monkeypatch):
    gpus(0)
    said = message_of(*SCANS, "--device=cuda")
    assert said == "--device cuda: PyTorch sees no GPU on this machine; use --device cpu"
    monkeypatch.setattr(torch.version, "cuda", None)
    said = message_of(*SCANS, "--ocr_device=cuda")
    assert said.startswith(f"--ocr_device cuda: PyTorch {torch.__version__} is built for CPUs only")
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    said = message_of(*SCANS, "--ocr_device=cuda")
    assert said.startswith("--ocr_device cuda: PyTorch sees no GPU for OCR on cuda: see whether nvidia-smi")
    said = message_of(*SCANS, "--ocr_device=cuda", "--ocr_engine=rapidocr", "--rapidocr_backend=onnxruntime")
    assert said.startswith("--ocr_device cuda: onnxruntime sees no GPU for OCR on cuda: install onnxruntime-")
    gpus(1)
    job_of(*SCANS, "--device=cuda", "--ocr_device=cuda")


def test_an_engine_without_gpus_is_refused_on_one(place, gpus):
    gpus(1)
    said = message_of(*SCANS, "--ocr_device=cuda", "--ocr_engine=rapidocr")
    assert said.endswith("runs on CPUs only: use --ocr_engine ppocr")


def test_packages_that_ocr_on_a_gpu_needs_are_named(place, gpus, monkeypatch):
    gpus(1)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "onnx" else find(name, *more)
    )
    assert "needs the Python package onnx: pip install" in message_of(*SCANS, "--ocr_device=cuda")


def test_ppocr_reads_unless_options_are_for_rapidocr(place, gpus):
    def ocr(*flags):
        return job_of(*SCANS, *flags).config.ocr.engine

    gpus(0)
    own = "--rapidocr_backend=onnxruntime"
    assert (ocr(), ocr(own)) == ("ppocr", "rapidocr")
    gpus(1)
    assert (ocr(), ocr("--ocr_device=cuda"), ocr(own)) == ("ppocr", "ppocr", "ppocr")
    assert (ocr("--ocr_device=cpu"), ocr("--ocr_engine=rapidocr")) == ("ppocr", "rapidocr")


DATAFLOW = (
    "--runner=DataflowRunner",
    "--project=project",
    "--region=us-central1",
    "--temp_location=gs://bucket/t",
)


def test_workers_elsewhere_get_more_files_a_table(place, monkeypatch):
    assert job_of(*SCANS).config.num_shards == 1
    assert job_of(*SCANS, "--num_shards=7").config.num_shards == 7
    portable = (*SCANS, "--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")
    assert job_of(*portable).config.num_shards == 1, "as a local run: the workers are on this machine"
    monkeypatch.setattr(checks.runners, "place_elsewhere", lambda options, runner: "a container")
    monkeypatch.setattr(checks, "_check_remote_paths", lambda config, place: None)
    monkeypatch.setattr(checks, "_check_inputs", lambda config, given, place: None)
    assert job_of(*portable).config.num_shards == 64
    assert job_of(*portable, "--num_shards=7").config.num_shards == 7


def test_runs_on_this_machine_have_a_review_unless_they_are_told_not_to(place):
    assert job_of(*SCANS).config.review
    assert not job_of(*SCANS, "--review=false").config.review
    elsewhere = (*SCANS, "--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")
    assert not job_of(*elsewhere).config.review
    assert job_of(*elsewhere, "--review").config.review


@pytest.mark.parametrize("missing", ["--project", "--region", "--temp_location"])
def test_dataflow_needs_a_place(place, missing):
    given = [flag for flag in DATAFLOW if not flag.startswith(missing)]
    assert message_of(*SCANS, *given) == f"--runner DataflowRunner needs {missing}"


def test_dataflow_needs_our_code(place):
    assert "needs --sdk_container_image or --setup_file" in message_of(*SCANS, *DATAFLOW)


def test_dataflow_sees_no_local_models(place):
    message = message_of(*SCANS, *DATAFLOW, "--sdk_container_image=i", "--output=gs://bucket/out")
    assert message.startswith(f"--model: '{place}/model' is a folder of this machine, not of the workers: ")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (SCANS, "--output: "),
        ((*SCANS, "--output=gs://bucket/out"), "--input: "),
        (("--manifest=list.txt", "--output=gs://bucket/out"), "--manifest: "),
    ],
)
def test_dataflow_sees_no_local_files(place, argv, says):
    Path("list.txt").write_text("scans/a.png\n")
    message = message_of(*argv, *DATAFLOW, "--sdk_container_image=i", "--model=bundled")
    assert message.startswith(says) and "path of this machine" in message


def test_field_files_are_ready_made_or_files(place):
    (place / "mine.toml").write_text('[fields.total]\ntype = "amount"\nkeys = ["Total"]\n')
    assert job_of(*SCANS, "--fields=invoice").config.records.fields == "invoice"
    assert job_of(*SCANS, "--fields=mine.toml").config.records.fields == f"{place}/mine.toml"
    assert job_of(*SCANS).config.records.fields is None


def test_a_wrong_field_file_ends_before_anything_is_written(place):
    (place / "mine.toml").write_text('[fields.total]\ntype = "amount"\nkyes = ["Total"]\n')
    message = message_of(*SCANS, "--fields=mine.toml")
    assert message.startswith("--fields: ")
    for words in ("mine.toml", "'total'", "did you mean keys"):
        assert words in message
    assert "invoice" in message_of(*SCANS, "--fields=invoices")
    (place / "folder").mkdir()
    assert message_of(*SCANS, "--fields=folder").startswith("--fields: ")
