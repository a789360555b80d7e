"""The real job as Dataflow gets it: translated by Beam's own runner, staged in the emulator, not run."""

import json
from typing import NamedTuple

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow import dataflow_runner
from apache_beam.runners.dataflow.internal.apiclient import DataflowApplicationClient
from apache_beam.runners.runner import PipelineState
from google.cloud import dataflow_v1beta3 as dataflow

from transforms.launch import cli
from transforms.launch.arguments import parse_arguments
from transforms.storage import files

MODEL = "Find entities and relations/Run model"
OCR = "Read the text of pages/Run OCR"
IMAGE = "us-docker.pkg.dev/my-project/beam-kie/cuda:1"
ACCELERATOR = "beam:resources:accelerator:v1"
MIN_RAM = "beam:resources:min_ram_bytes:v1"

# What a flex template's launcher adds to the parameters of the template, from the environment of the request.
LAUNCHER = [
    "--runner=DataflowRunner",
    "--project=my-project",
    "--region=us-central1",
    "--job_name=beam-kie-20261123",
    '--labels={"goog-dataflow-provided-template-type": "flex"}',
    "--labels=team=archive",
    "--service_account_email=worker@my-project.iam.gserviceaccount.com",
    "--num_workers=2",
    "--max_num_workers=20",
    "--worker_region=us-central1",
    "--network=default",
    "--subnetwork=regions/us-central1/subnetworks/default",
    "--no_use_public_ips",
    "--experiments=enable_batch_vmr",
    "--autoscaling_algorithm=THROUGHPUT_BASED",
    "--dataflow_kms_key=projects/p/locations/l/keyRings/r/cryptoKeys/k",
]


class Translated(NamedTuple):
    """A job as it is sent to the service, and the graph that is staged beside it."""

    job: dict
    graph: beam_runner_api_pb2.Pipeline

    @property
    def environment(self) -> dict:
        return self.job["environment"]

    @property
    def workers(self) -> dict:
        (pool,) = self.environment["workerPools"]
        return pool

    def hints(self, transform) -> dict[str, str]:
        environment = self.graph.components.environments[transform.environment_id]
        return {urn: value.decode() for urn, value in environment.resource_hints.items()}

    def steps(self) -> dict[str, object]:
        """Every transform that runs code or shuffles, by its full name."""
        return {
            transform.unique_name: transform
            for transform in self.graph.components.transforms.values()
            if not transform.subtransforms
        }


def flags_of(bucket: str) -> list[str]:
    files.write_bytes(f"{bucket}/scans/a.png", b"x")
    places = [f"--input={bucket}/scans/**", f"--output={bucket}/kie", "--run_id=night"]
    places += [f"--temp_location={bucket}/tmp", f"--staging_location={bucket}/staging"]
    return [*places, *LAUNCHER, f"--sdk_container_image={IMAGE}"]


def translate(bucket: str, *flags: str) -> Translated:
    template = f"{bucket}/staging/template_launches/1/job_object"
    assert cli.main([*flags_of(bucket), f"--template_location={template}", *flags]) == cli.OK
    job = json.loads(files.read_bytes(template, 10_000_000))
    # Staged files lie in a folder of the job's own under --staging_location.
    folder = job["environment"]["sdkPipelineOptions"]["options"]["staging_location"]
    assert folder.startswith(f"{bucket}/staging/beam-kie-20261123")
    graph = beam_runner_api_pb2.Pipeline()
    graph.ParseFromString(files.read_bytes(f"{folder}/pipeline.pb", 100_000_000))
    return Translated(job, graph)


@pytest.mark.slow
def test_job_on_cpus_as_a_flex_template_launches_it(gcs_bucket, capfd):
    got = translate(gcs_bucket, "--machine_type=n2-standard-4", "--disk_size_gb=40")
    assert capfd.readouterr().out.startswith("Launched run night.")
    assert got.job["name"] == "beam-kie-20261123" and got.job["type"] == "JOB_TYPE_BATCH"
    assert got.job["labels"] == {"goog-dataflow-provided-template-type": "flex", "team": "archive"}
    assert (got.workers["machineType"], got.workers["diskSizeGb"]) == ("n2-standard-4", 40)
    assert (got.workers["numWorkers"], got.workers["autoscalingSettings"]["maxNumWorkers"]) == (2, 20)
    assert got.workers["ipConfiguration"] == "WORKER_IP_PRIVATE"
    assert {image["containerImage"] for image in got.workers["sdkHarnessContainerImages"]} == {IMAGE}
    assert got.environment["serviceAccountEmail"].startswith("worker@")
    assert {"enable_batch_vmr", "use_multiple_sdk_containers"} <= set(got.environment["experiments"])
    assert "serviceOptions" not in got.environment
    assert not any(got.hints(step) for step in got.steps().values())
    staged = {package["name"] for package in got.workers["packages"]}
    assert staged == {"submission_environment_dependencies.txt"}, (
        "code is in the image, nothing is sent along"
    )
    options = got.environment["sdkPipelineOptions"]["options"]
    assert options["output"] == f"{gcs_bucket}/kie" and options["model"] == "bundled"


@pytest.mark.slow
def test_fused_gives_every_worker_a_gpu(gcs_bucket):
    got = translate(gcs_bucket, "--gpu_type=nvidia-tesla-t4", "--gpu_count=2", "--machine_type=n1-standard-4")
    accelerator = "worker_accelerator=type:nvidia-tesla-t4;count:2;install-nvidia-driver:5xx"
    assert got.environment["serviceOptions"] == [accelerator]
    assert "no_use_multiple_sdk_containers" in got.environment["experiments"]
    assert "use_multiple_sdk_containers" not in got.environment["experiments"]
    workers = got.workers
    assert (workers["machineType"], workers["diskSizeGb"], workers["numThreadsPerWorker"]) == (
        "n1-standard-4",
        100,
        4,
    )
    assert {image["containerImage"] for image in workers["sdkHarnessContainerImages"]} == {IMAGE}
    assert not any(got.hints(step) for step in got.steps().values()), (
        "right fitting beside worker_accelerator"
    )
    assert not [name for name in got.steps() if name.startswith(MODEL) and "Hand over" in name]


@pytest.mark.slow
def test_separate_gives_a_gpu_to_the_model_s_steps_only(gcs_bucket):
    got = translate(
        gcs_bucket,
        "--gpu_stage=separate",
        "--gpu_type=nvidia-l4",
        "--gpu_machine_type=g2-standard-4",
        "--page_isolation=off",  # with it no step hands on pictures of pages
        "--gpu_min_ram_gb=16",
        "--machine_type=n2-standard-8",
    )
    assert "serviceOptions" not in got.environment, "worker_accelerator beside right fitting"
    assert got.workers["machineType"] == "n2-standard-8"
    assert {image["containerImage"] for image in got.workers["sdkHarnessContainerImages"]} == {IMAGE}
    hinted = {name: got.hints(step) for name, step in got.steps().items() if got.hints(step)}
    assert any("RunInference" in name for name in hinted)
    assert all(name.startswith(f"{MODEL}/Infer/") for name in hinted), hinted
    code = {name for name in got.steps() if name.startswith(f"{MODEL}/Infer/")}
    assert set(hinted) == code, "every step of the model runs where the GPU is"
    accelerator = "type:nvidia-l4;count:1;machine_type:g2-standard-4;install-nvidia-driver:5xx"
    assert all(hints == {ACCELERATOR: accelerator, MIN_RAM: "16000000000"} for hints in hinted.values())
    assert any(name.startswith(OCR) for name in got.steps())
    _input_of_the_model_is_shuffled(got)


def _input_of_the_model_is_shuffled(got: Translated) -> None:
    """Between OCR and the model lies a GroupByKey, and no picture of a page crosses it."""
    components = got.graph.components
    (infer,) = [t for t in components.transforms.values() if t.unique_name == f"{MODEL}/Infer"]
    hand_over = {name: step for name, step in got.steps().items() if name.startswith(f"{MODEL}/Hand over/")}
    assert any(step.spec.urn == "beam:transform:group_by_key:v1" for step in hand_over.values())
    made = {output for step in hand_over.values() for output in step.outputs.values()}
    assert set(infer.inputs.values()) <= made
    images = [key for key, coder in components.coders.items() if b"PageImageCoder" in coder.spec.payload]
    assert images, "no PCollection has the coder that refuses to encode pages"
    for step in hand_over.values():
        for collection in step.inputs.values():
            assert components.pcollections[collection].coder_id not in images


class _Submitted:
    """The service took a job."""

    id = "2026-11-23_00_00_00-1"
    current_state = None
    location = "us-central1"


@pytest.fixture
def service(monkeypatch) -> list[str]:
    """Stands in for the service: it takes every job. What the launcher asks of a running job is listed."""
    asked = []

    def wait(self, duration=None):
        asked.append("wait")
        return PipelineState.FAILED

    monkeypatch.setattr(DataflowApplicationClient, "submit_job_description", lambda self, job: _Submitted())
    monkeypatch.setattr(dataflow_runner.DataflowPipelineResult, "wait_until_finish", wait)
    monkeypatch.setattr(dataflow_runner.DataflowPipelineResult, "job_id", lambda self: _Submitted.id)
    return asked


@pytest.mark.slow
@pytest.mark.parametrize(("flags", "code", "waited"), [([], cli.OK, []), (["--wait"], cli.FAILED, ["wait"])])
def test_launcher_waits_only_when_asked(gcs_bucket, service, capfd, flags, code, waited):
    assert cli.main([*flags_of(gcs_bucket), *flags]) == code
    assert service == waited
    said = capfd.readouterr()
    if waited:
        assert "run night failed: the runner says FAILED" in said.err
    else:
        assert f"Launched run night as job {_Submitted.id}." in said.out


# Names of Google's request on the left; what Beam calls them, where that is another name, on the right.
RENAMED = {
    "max_workers": "max_num_workers",
    "additional_experiments": "experiments",
    "additional_user_labels": "labels",
    "kms_key_name": "dataflow_kms_key",
    "ip_configuration": "no_use_public_ips",
}
# For streaming, for Java, or for the machine that launches: none of them reaches a batch job in Python.
NOT_FOR_US = {
    "dump_heap_on_oom",
    "save_heap_dumps_to_gcs_path",
    "launcher_machine_type",
    "enable_launcher_vm_serial_port_logging",
    "streaming_mode",
    "additional_pipeline_options",
}


def test_everything_that_a_launch_request_can_set_is_a_flag_here():
    fields = set(dataflow.FlexTemplateRuntimeEnvironment.meta.fields) - NOT_FOR_US
    values = {"no_use_public_ips": [], "enable_streaming_engine": [], "flexrs_goal": ["COST_OPTIMIZED"]}
    values["autoscaling_algorithm"] = ["NONE"]
    for field in sorted(fields):
        flag = RENAMED.get(field, field)
        parse_arguments([f"--{flag}", *values.get(flag, ["1"])])
