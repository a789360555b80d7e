import pytest
from apache_beam.options.pipeline_options import (
    DebugOptions,
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    WorkerOptions,
)

from beam_kie.ocr.devices import chosen
from transforms.config import JobConfig
from transforms.launch.arguments import UsageError, job_config, parse_arguments
from transforms.launch.dataflow import check_folders, check_service, with_gpus
from transforms.machines.types import example_machine, gpu_types

SERVICE = ("--project=project", "--region=us-central1", "--temp_location=gs://bucket/tmp")
IMAGE = "--sdk_container_image=image"
FUSED = (IMAGE, "--gpu_type=nvidia-l4", "--machine_type=g2-standard-8")
SEPARATE = (
    IMAGE,
    "--gpu_stage=separate",
    "--gpu_type=nvidia-l4",
    "--gpu_machine_type=g2-standard-4",
    "--machine_type=n1-standard-8",
)
T4 = "--dataflow_service_options=worker_accelerator=type:nvidia-tesla-t4;count:1;install-nvidia-driver"


def checked(*argv: str) -> tuple[JobConfig, PipelineOptions]:
    namespace, options = parse_arguments(["--output=gs://bucket/out", *SERVICE, *argv])
    check_service(options)
    return with_gpus(job_config(namespace), options), options


def message_of(*argv: str) -> str:
    with pytest.raises(UsageError) as caught:
        checked(*argv)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_job_without_gpus_is_left_alone():
    config, options = checked(IMAGE)
    assert config.device == "auto"
    debug, worker = options.view_as(DebugOptions), options.view_as(WorkerOptions)
    assert not debug.experiments and not debug.number_of_worker_harness_threads and not worker.disk_size_gb
    assert not options.view_as(GoogleCloudOptions).dataflow_service_options


def test_the_script_is_not_sent_along_unless_it_is_asked_for():
    assert checked(IMAGE)[1].view_as(SetupOptions).save_main_session is False
    assert checked(IMAGE, "--save_main_session")[1].view_as(SetupOptions).save_main_session is True


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (
            (IMAGE, "--region=us-central1-a"),
            "--region: 'us-central1-a' is no region: give one",
        ),
        ((IMAGE, "--region=uscentral"), "--region: 'uscentral' is no region"),
        ((IMAGE, "--temp_location=/tmp/x"), "--temp_location: '/tmp/x' is not in cloud storage"),
        ((IMAGE, "--staging_location=s3://b/x"), "--staging_location: 's3://b/x' is not in cloud storage"),
        ((), "--runner DataflowRunner needs --sdk_container_image or --setup_file"),
    ],
)
def test_place_that_is_none(argv, says):
    assert message_of(*argv).startswith(says)


@pytest.mark.parametrize("flag", ["model", "re_model", "ocr_det_model_dir", "ocr_rec_model_dir"])
def test_workers_do_not_see_folders_of_this_machine(tmp_path, monkeypatch, flag):
    namespace, _ = parse_arguments(["--output=gs://bucket/out", f"--{flag}={tmp_path}"])
    with pytest.raises(UsageError, match=f"--{flag}: .* is a folder of this machine, not of the workers"):
        check_folders(job_config(namespace))
    monkeypatch.setenv("FLEX_TEMPLATE_PYTHON_PY_FILE", "/opt/beam-kie/run_pipeline.py")
    check_folders(job_config(namespace))
    monkeypatch.undo()
    elsewhere, _ = parse_arguments(["--output=gs://bucket/out", f"--{flag}=gs://bucket/model"])
    check_folders(job_config(elsewhere))


def test_fused_gives_every_worker_a_gpu():
    config, options = checked(*FUSED, "--dataflow_service_options=enable_google_cloud_profiler")
    assert config.device == "cuda", "a worker that sees no GPU must not go on on its CPU"
    assert options.view_as(GoogleCloudOptions).dataflow_service_options == [
        "enable_google_cloud_profiler",
        "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver:5xx",
    ]
    assert options.view_as(DebugOptions).experiments == ["no_use_multiple_sdk_containers"]
    assert options.view_as(DebugOptions).number_of_worker_harness_threads == 8
    assert options.view_as(WorkerOptions).disk_size_gb == 100


def test_separate_asks_for_no_gpu_for_every_worker():
    config, options = checked(*SEPARATE, "--gpu_min_ram_gb=16")
    assert (config.device, config.gpu_min_ram_gb) == ("cuda", 16)
    assert not options.view_as(GoogleCloudOptions).dataflow_service_options
    assert options.view_as(DebugOptions).experiments == ["no_use_multiple_sdk_containers"]


@pytest.mark.parametrize(
    ("machine", "threads"), [("n1-standard-4", 4), ("n1-highmem-16", 8), ("custom-6-15360", 8)]
)
def test_threads_follow_the_machine(machine, threads):
    _, options = checked(IMAGE, "--gpu_type=nvidia-tesla-t4", f"--machine_type={machine}")
    assert options.view_as(DebugOptions).number_of_worker_harness_threads == threads


def test_settings_of_the_user_stay():
    said = ("--number_of_worker_harness_threads=3", "--disk_size_gb=55", "--experiments=shuffle_mode=service")
    _, options = checked(*FUSED, *said)
    debug = options.view_as(DebugOptions)
    assert debug.number_of_worker_harness_threads == 3
    assert debug.experiments == ["shuffle_mode=service", "no_use_multiple_sdk_containers"]
    assert options.view_as(WorkerOptions).disk_size_gb == 55
    debug = checked(*FUSED, "--experiments=use_multiple_sdk_containers")[1].view_as(DebugOptions)
    assert debug.experiments == ["use_multiple_sdk_containers"]
    assert not debug.number_of_worker_harness_threads


def test_ocr_may_have_the_gpu_alone():
    assert checked(*FUSED, "--device=cpu", "--ocr_device=cuda")[0].device == "cpu"


@pytest.mark.parametrize(
    ("argv", "engine", "device"),
    [
        (FUSED, "ppocr", "cuda"),
        ((*FUSED, "--ocr_engine=ppocr"), "ppocr", "cuda"),
        ((*FUSED, "--ocr_device=cpu"), "ppocr", "cpu"),
        ((*FUSED, "--ocr_engine=rapidocr"), "rapidocr", "auto"),
        (SEPARATE, "ppocr", "cpu"),
        ((*SEPARATE, "--rapidocr_backend=onnxruntime"), "rapidocr", "cpu"),
        ((IMAGE,), "ppocr", "cpu"),
    ],
)
def test_ocr_runs_on_the_gpu_that_its_workers_have(argv, engine, device, gpus):
    # The launcher's own GPU says nothing about those of workers.
    gpus(1)
    ocr = chosen(checked(*argv)[0].ocr, look=False)
    assert (ocr.engine, ocr.device) == (engine, device)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((IMAGE, "--device=cuda"), "--device cuda, but no worker would have a GPU: ask for one"),
        ((IMAGE, "--ocr_device=cuda"), "--ocr_device cuda, but no worker would have a GPU"),
        ((*FUSED, "--device=cpu"), "--gpu_type asks for a GPU that --device cpu does not use"),
        (
            (*FUSED, "--gpu_type=nvidia-t4"),
            "--gpu_type: Dataflow has no 'nvidia-t4': did you mean nvidia-tesla-t4?",
        ),
        ((*FUSED, "--gpu_type=tpu"), "--gpu_type: Dataflow has no 'tpu'; it has nvidia-tesla-t4,"),
        (
            (*FUSED, "--machine_type=n1-standard-8"),
            "--machine_type: nvidia-l4 goes with g2 machines, not 'n1-",
        ),
        (
            (IMAGE, "--gpu_type=nvidia-tesla-a100", "--machine_type=a2-standard-8"),
            "--machine_type: there is no 'a2-standard-8' with nvidia-tesla-a100: take a2-highgpu-1g",
        ),
        (
            (*FUSED, "--gpu_count=2"),
            "--machine_type: g2-standard-8 has 1 nvidia-l4, and --gpu_count is 2: take g2-standard-24",
        ),
        (
            (IMAGE, "--gpu_type=nvidia-tesla-t4", "--gpu_count=3", "--machine_type=n1-standard-8"),
            "--machine_type: a machine can have 1, 2, 4 nvidia-tesla-t4, and --gpu_count is 3",
        ),
        (FUSED[:2], "--gpu_type nvidia-l4 needs --machine_type, for example g2-standard-8"),
        (("--setup_file=setup.py", *FUSED[1:]), "--gpu_type needs --sdk_container_image"),
        ((*FUSED, "--gpu_machine_type=g2-standard-8"), "--gpu_machine_type and --gpu_min_ram_gb are for --g"),
        ((*FUSED, "--gpu_min_ram_gb=8"), "--gpu_machine_type and --gpu_min_ram_gb are for --g"),
        ((*FUSED, T4), "--gpu_type and 'worker_accelerator=type:nvidia-tesla-t4;"),
        ((*FUSED, "--resource_hints=accelerator=type:x"), "--gpu_type and 'accelerator=type:x' both ask"),
        ((*SEPARATE, T4), "--gpu_type and 'worker_accelerator=type:nvidia-tesla-t4;"),
        (
            (*SEPARATE, T4.replace("dataflow_service_options", "experiments")),
            "--gpu_type and 'worker_accelerator",
        ),
        ((*SEPARATE, "--device=cpu"), "--gpu_type asks for a GPU that --device cpu does not use"),
        ((*SEPARATE, "--ocr_device=cuda"), "--gpu_stage separate runs OCR on workers without a GPU"),
        ((*SEPARATE, "--flexrs_goal=COST_OPTIMIZED"), "--gpu_stage separate does not go with --flexrs_goal"),
        (
            (*SEPARATE, "--gpu_machine_type=n1-standard-8"),
            "--gpu_machine_type: nvidia-l4 goes with g2 machines",
        ),
        ((*SEPARATE, "--gpu_machine_type="), "--gpu_type nvidia-l4 needs --gpu_machine_type"),
        ((IMAGE, "--gpu_stage=separate"), "--gpu_stage separate on Dataflow needs --gpu_type"),
        ((IMAGE, "--gpu_stage=separate", T4), "--gpu_stage separate on Dataflow needs --gpu_type; 'w"),
        ((IMAGE, T4, T4.replace("t4", "v100")), "'worker_accelerator=type:nvidia-tesla-t4;"),
        ((IMAGE, T4.replace(";count:1", "")), "'worker_accelerator=type:nvidia-tesla-t4;install-nvidia-"),
        ((IMAGE, "--gpu_count=0"), "--gpu_count: must be from 1 to 16, not 0"),
    ],
)
def test_gpus_that_do_not_go_together(argv, says):
    assert message_of(*argv).startswith(says)


def test_gpus_in_dataflow_s_own_words():
    config, options = checked(IMAGE, T4, "--device=cuda")
    assert (config.gpu_type, config.device) == (None, "cuda")
    assert options.view_as(DebugOptions).experiments == ["no_use_multiple_sdk_containers"]
    shared = checked(IMAGE, f"{T4};use_nvidia_mps", "--device=cuda")[1]
    assert not shared.view_as(DebugOptions).experiments, "MPS is made for several processes"


@pytest.mark.parametrize("gpu_type", gpu_types())
def test_every_gpu_can_be_had(gpu_type):
    count = 8 if gpu_type == "nvidia-h100-mega-80gb" else 1
    machine = example_machine(gpu_type, count)
    checked(IMAGE, f"--gpu_type={gpu_type}", f"--machine_type={machine}", f"--gpu_count={count}")


def test_gpus_that_stay_idle_are_told(caplog):
    checked(IMAGE, "--gpu_type=nvidia-tesla-t4", "--machine_type=n1-standard-8")
    assert not caplog.records
    checked(IMAGE, "--gpu_type=nvidia-tesla-t4", "--machine_type=n1-standard-8", "--gpu_count=2")
    (record,) = caplog.records
    assert record.levelname == "WARNING" and "--gpu_count" in record.getMessage()
