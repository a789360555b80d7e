"""Checks of runners before launch. No cluster is needed: nothing here sends a job."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from apache_beam.options.pipeline_options import PortableOptions

from transforms.launch import runners
from transforms.launch.arguments import UsageError, parse_arguments
from transforms.launch.checks import Job, prepare_job

SCANS = ("--input=scans", "--output=out")
FLINK = ("--runner=FlinkRunner", "--flink_job_server_jar=job-server.jar")
SPARK = ("--runner=SparkRunner", "--spark_job_server_jar=job-server.jar")
FLINK_CLUSTER = (*FLINK, "--flink_master=http://flink.example:8081")
SPARK_CLUSTER = (*SPARK, "--spark_master_url=spark://spark.example:7077")
PORTABLE = ("--runner=PortableRunner", "--job_endpoint=localhost:8099")
IMAGE = ("--environment_type=DOCKER", "--environment_config=registry/beam-kie:1")
POOL = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    """The working folder: a scan, something that looks like a model, and one that looks like a jar."""
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.png").write_bytes(b"x")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "job-server.jar").write_bytes(b"PK")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def unasked(monkeypatch) -> None:
    """Job servers are taken to be there."""
    monkeypatch.setattr(runners, "check_answers", lambda options, runner: None)


def job_of(*argv: str) -> Job:
    return prepare_job(*parse_arguments(["--model=model", "--run_id=r", *argv]))


def message_of(*argv: str) -> str:
    with pytest.raises(UsageError) as caught:
        job_of(*argv)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What works with files of this machine: its flags, and the --environment_type that Beam gets.
HERE = [
    (FLINK, None),
    (SPARK, None),
    ((*SPARK, "--spark_master_url=local[4]"), None),
    ((*FLINK, "--flink_master=[local]", "--parallelism=4", "--max_parallelism=8"), None),
    ((*FLINK, "--execution_mode_for_batch=BATCH", "--object_reuse"), None),
    ((*FLINK, *POOL), "EXTERNAL"),
    (("--runner=FlinkRunner", "--job_endpoint=localhost:8099"), None),
    ((*PORTABLE, *POOL), "EXTERNAL"),
    ((*PORTABLE, "--environment_type=loopback"), "LOOPBACK"),
    ((*PORTABLE, POOL[0], '--environment_config={"url": "127.0.0.1:1"}'), "EXTERNAL"),
    ((*PORTABLE, POOL[0], "--environment_option=external_service_address=[::1]:1"), "EXTERNAL"),
    ((*PORTABLE, "--environment_type=PROCESS", '--environment_config={"command": "/boot"}'), "PROCESS"),
    ((*PORTABLE, "--environment_type=PROCESS", "--environment_option=process_command=/boot"), "PROCESS"),
]


@pytest.mark.parametrize(("argv", "kind"), HERE)
def test_engine_on_this_machine_reads_its_files(unasked, argv, kind):
    job = job_of(*SCANS, *argv)
    assert job.options.view_as(PortableOptions).environment_type == kind
    assert not job.is_local
    assert job.config.num_shards == 1, "one file a table, as in a local run"


# What works where workers see only object storage.
ELSEWHERE = [
    (*FLINK_CLUSTER, *IMAGE),
    (*FLINK_CLUSTER, "--flink_submit_uber_jar", "--job_server_java_launcher=none", *IMAGE),
    (*FLINK_CLUSTER, "--setup_file=./setup.py", "--environment_type=DOCKER"),
    (*FLINK_CLUSTER, *POOL),
    (*FLINK, *IMAGE),
    (*SPARK_CLUSTER, *IMAGE),
    (*SPARK, "--spark_submit_uber_jar", "--spark_rest_url=http://spark.example:6066", *IMAGE),
    ("--runner=PortableRunner", "--job_endpoint=jobs.example:8099", *POOL),
    (*PORTABLE, POOL[0], "--environment_config=workers.example:50000"),
]


@pytest.mark.parametrize("argv", ELSEWHERE)
def test_engine_elsewhere_works_on_object_storage(unasked, gcs_bucket, argv):
    from google.cloud import storage

    storage.Client(project="test").bucket(gcs_bucket[5:]).blob("a.png").upload_from_string(b"x")
    assert job_of(f"--input={gcs_bucket}/*.png", f"--output={gcs_bucket}/out", *argv).runner in argv[0]


@pytest.mark.parametrize("argv", ELSEWHERE)
def test_engine_elsewhere_sees_no_local_files(unasked, argv):
    Path("list.txt").write_text("scans/a.png\n")
    for given, flag in ((SCANS, "--output: "), (("--input=scans", "--output=gs://bucket/out"), "--input: ")):
        message = message_of(*given, *argv)
        assert message.startswith(flag)
        assert "is a path of this machine; a " in message and "needs gs:// or s3://" in message


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--runner=FlinkRunner"], "give --flink_job_server_jar FILE (beam-runners-flink-2.2-job-server-"),
        (["--runner=SparkRunner"], "give --spark_job_server_jar FILE (beam-runners-spark-3-job-server-"),
        ([*FLINK, "--flink_job_server_jar=none.jar"], "--flink_job_server_jar: there is no file 'none.jar'"),
        ([*SPARK, "--spark_job_server_jar=scans"], "--spark_job_server_jar: there is no file 'scans'"),
        (
            [*FLINK, "--job_server_java_launcher=jawa"],
            "--job_server_java_launcher: there is no program 'jawa'",
        ),
        ([*FLINK, "--flink_version=1.2"], "--flink_version: invalid choice: '1.2'"),
        ([*FLINK, "--paralellism=4"], "unknown flag --paralellism: did you mean --parallelism?"),
        ([*FLINK, "--flink_jar=x"], "unknown flag --flink_jar"),
        ([*FLINK, "--execution_mode_for_batch=batch"], "--execution_mode_for_batch: invalid choice"),
        ([*FLINK, "--job_endpoint=jobs"], "--job_endpoint: 'jobs' is no address: give HOST:PORT"),
        ([*FLINK, "--job_endpoint=http://jobs:1"], "--job_endpoint: 'http://jobs:1' is no address"),
        ([*FLINK, "--job_endpoint=jobs:70000"], "--job_endpoint: 'jobs:70000' is no address"),
        (
            FLINK_CLUSTER,
            "--runner FlinkRunner needs to know where its workers run: --environment_type DOCKER",
        ),
        (
            SPARK_CLUSTER,
            "--runner SparkRunner needs to know where its workers run: --environment_type DOCKER",
        ),
        ([*FLINK_CLUSTER, IMAGE[0]], "--environment_type DOCKER needs --environment_config IMAGE"),
        (
            [*FLINK_CLUSTER, "--sdk_container_image=i"],
            "--sdk_container_image does nothing with --runner Flink",
        ),
        (
            [*FLINK_CLUSTER, "--environment_type=LOOPBACK"],
            "--environment_type LOOPBACK runs workers in this process, which flink.example cannot reach",
        ),
        (
            [*FLINK, "--job_endpoint=jobs.example:1"],
            "--environment_type LOOPBACK runs workers in this process, which jobs.example cannot reach",
        ),
        ([*SPARK, "--spark_submit_uber_jar"], "--spark_submit_uber_jar needs --spark_rest_url"),
        (["--runner=PortableRunner"], "--runner PortableRunner needs --job_endpoint HOST:PORT"),
        (PORTABLE, "--runner PortableRunner needs to know where its workers run"),
        (
            [*PORTABLE, "--environment_type=DOKER"],
            "--environment_type: 'DOKER' is unknown: did you mean DOCKER?",
        ),
        ([*PORTABLE, "--environment_type=x"], "--environment_type: 'x' is unknown: one of DOCKER, PROCESS"),
        ([*PORTABLE, POOL[0]], "--environment_type EXTERNAL needs --environment_config HOST:PORT"),
        (
            [*PORTABLE, POOL[0], "--environment_config=x"],
            "--environment_type EXTERNAL needs --environment_config",
        ),
        ([*PORTABLE, POOL[0], "--environment_config={"], "--environment_config: '{' is not JSON"),
        ([*PORTABLE, "--environment_type=PROCESS"], "--environment_type PROCESS needs --environment_config"),
        (
            [*PORTABLE, "--environment_type=PROCESS", "--environment_config=[]"],
            "--environment_config: '[]' is not a JSON object",
        ),
        (
            [*PORTABLE, "--environment_type=LOOPBACK", "--environment_config=x"],
            "--environment_type LOOPBACK takes no --environment_config",
        ),
        (["--runner=PrismRunner"], "--runner PrismRunner needs --prism_location FILE: nothing is downloaded"),
        (
            ["--runner=KafkaStreamsRunner"],
            "--runner KafkaStreamsRunner is not supported: it is an experiment",
        ),
        (["--runner=InteractiveRunner"], "--runner InteractiveRunner is not supported: it is for notebooks"),
        (
            ["--runner=apache_beam.runners.dask.dask_runner.DaskRunner"],
            "--runner apache_beam.runners.dask.dask_runner.DaskRunner is not supported: it drops batches",
        ),
        (
            ["--flink_master=m:1"],
            "--flink_master does nothing with --runner FnApiRunner: add --runner FlinkRunner",
        ),
        ([*FLINK, "--spark_master_url=m:1"], "--spark_master_url does nothing with --runner FlinkRunner"),
        (
            [*PORTABLE[1:], *POOL],
            "--job_endpoint does nothing with --runner FnApiRunner: add --runner Portable",
        ),
        (POOL, "--environment_type does nothing with --runner FnApiRunner: add --runner PortableRunner"),
        (
            ["--object_reuse"],
            "--object_reuse does nothing with --runner FnApiRunner: it is for Flink and Spark",
        ),
    ],
)
def test_impossible_engine_is_refused_in_one_line(unasked, argv, says):
    assert message_of(*SCANS, *argv).startswith(says)


def test_name_of_a_runner_may_be_short_or_long():
    for asked in (
        "flink",
        "Flink",
        "flinkrunner",
        "apache_beam.runners.portability.flink_runner.FlinkRunner",
    ):
        assert runners.canonical_runner(asked) == "FlinkRunner"


def test_long_runs_on_a_job_server_are_not_given_up(unasked):
    """Beam's --job_server_timeout also ends its watching of a run: after 300 s without this."""
    timeouts = [
        job_of(*SCANS, *PORTABLE, *POOL, *more).options.view_as(PortableOptions).job_server_timeout
        for more in ((), ("--job_server_timeout=300",))
    ]
    assert timeouts == [runners.PATIENCE_S, 300]


def test_job_server_that_does_not_answer_is_reported_before_launch(monkeypatch):
    monkeypatch.setattr(runners, "_CONNECT_S", 0.2)
    with socket.socket() as nobody:  # bound, but it does not listen
        nobody.bind(("localhost", 0))
        endpoint = f"localhost:{nobody.getsockname()[1]}"
        message = message_of(*SCANS, "--runner=PortableRunner", f"--job_endpoint={endpoint}", *POOL)
    assert message == f"--job_endpoint: no job server answers at {endpoint!r}: is it running?"


def test_job_server_that_answers_will_do():
    server = grpc.server(ThreadPoolExecutor(1))
    endpoint = f"localhost:{server.add_insecure_port('localhost:0')}"
    server.start()
    try:
        job = job_of(*SCANS, "--runner=PortableRunner", f"--job_endpoint={endpoint}", *POOL)
    finally:
        server.stop(None)
    assert job.runner == "PortableRunner"
