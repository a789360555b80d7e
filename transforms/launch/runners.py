"""The runner of the job and its workers' environment, checked before launch.

Nothing is written here. Each check raises ``UsageError`` with one line that says what to do.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import shutil
import socket
from urllib.parse import urlsplit

import grpc
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    SetupOptions,
    SparkRunnerOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.runner import create_runner

from transforms.launch.arguments import JOB_SERVER_FLAGS, UsageError

DATAFLOW = "DataflowRunner"
IN_PROCESS = "FnApiRunner"
PORTABLE = "PortableRunner"
FLINK = "FlinkRunner"
SPARK = "SparkRunner"

PATIENCE_S = 30 * 24 * 3600
"""What --job_server_timeout is without the flag: Beam's 300 s would end runs of its own job server."""

_SAME_AS_IN_PROCESS = ("DirectRunner", "SwitchingDirectRunner")
_REFUSED = {
    "daskrunner": "it drops batches and gives wrong results",
    "dask": "it gives wrong results",
    "kafkastreamsrunner": "it is an experiment that no release of Beam holds",
    "interactiverunner": "it is for notebooks",
}
_ENVIRONMENTS = ("DOCKER", "PROCESS", "EXTERNAL", "LOOPBACK")
_ADDRESS = re.compile(r"(?P<host>[^\s:/\[\]]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")
_LOCAL_MASTER = re.compile(r"local(\[.+\])?|\[local\]|\[auto\]")
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})
_CONNECT_S = 20.0


def canonical_runner(asked: str) -> str:
    """The name of the runner that is really used.

    Args:
        asked: What ``--runner`` says.

    Returns:
        One of Beam's names of runners, or ``asked`` where it is the path of a class.

    Raises:
        UsageError: There is no such runner, or one that gives wrong results.
    """
    name = asked.rpartition(".")[2].lower()
    if name in _REFUSED:
        raise UsageError(f"--runner {asked} is not supported: {_REFUSED[name]}")
    if "." in asked and asked not in StandardOptions.ALL_KNOWN_RUNNERS:
        try:
            create_runner(asked)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"--runner {asked}: {error}") from error
        return asked
    known = {name.lower(): name for name in StandardOptions.KNOWN_RUNNER_NAMES}
    runner = known.get(name) or known.get(name + "runner")
    if runner is None:
        close = difflib.get_close_matches(asked, StandardOptions.KNOWN_RUNNER_NAMES, n=1)
        raise UsageError(f"--runner {asked} is unknown" + (f": did you mean {close[0]}?" if close else ""))
    # Beam's own DirectRunner may download and start another engine, or change it half-way.
    return IN_PROCESS if runner in _SAME_AS_IN_PROCESS else runner


def is_portable(runner: str) -> bool:
    """Whether the runner hands the job to a job server, and workers are set up by --environment_type.

    Args:
        runner: A name that ``canonical_runner`` returned.

    Returns:
        True for PortableRunner, FlinkRunner and SparkRunner.
    """
    return runner in (PORTABLE, FLINK, SPARK)


def check_engine(options: PipelineOptions, runner: str, namespace: argparse.Namespace) -> None:
    """Check what the flags say about the engine and its workers, and set what they leave open.

    Args:
        options: Beam's options, changed in place.
        runner: A name that ``canonical_runner`` returned.
        namespace: What ``parse_arguments`` returned beside them: it holds which flags were given.

    Raises:
        UsageError: The first thing that is missing or wrong.
    """
    _check_foreign_flags(options, runner, namespace)
    if runner == "PrismRunner" and "prism_location" not in _given(options):
        raise UsageError("--runner PrismRunner needs --prism_location FILE: nothing is downloaded")
    if not is_portable(runner):
        return
    portable = options.view_as(PortableOptions)
    if namespace.job_server_timeout is None:
        portable.job_server_timeout = PATIENCE_S
    _check_job_server(options, runner)
    _check_environment(options, runner)


def check_answers(options: PipelineOptions, runner: str) -> None:
    """Make sure that the job server of --job_endpoint is there, waiting a little for one that just starts.

    Args:
        options: Beam's options.
        runner: A name that ``canonical_runner`` returned.

    Raises:
        UsageError: It does not answer.
    """
    endpoint = options.view_as(PortableOptions).job_endpoint
    if not is_portable(runner) or not endpoint or endpoint == "embed":
        return
    channel = grpc.insecure_channel(endpoint)
    try:
        grpc.channel_ready_future(channel).result(timeout=_CONNECT_S)
    except grpc.FutureTimeoutError:
        raise UsageError(f"--job_endpoint: no job server answers at {endpoint!r}: is it running?") from None
    finally:
        channel.close()


def place_elsewhere(options: PipelineOptions, runner: str) -> str | None:
    """The environment of the workers where they see no files of this machine.

    Args:
        options: Beam's options.
        runner: A name that ``canonical_runner`` returned.

    Returns:
        Its name for a message; None where workers see the files of this machine.
    """
    if runner == DATAFLOW:
        return "Dataflow"
    if not is_portable(runner):
        return None
    kind = _environment_type(options, runner)
    if kind == "DOCKER":
        return "a container"
    hosts = _engine_hosts(options, runner)
    if kind == "EXTERNAL":
        hosts.append(_host(_external_address(options)))
    remote = _first_remote(hosts)
    return f"a worker at {remote}" if remote else None


def _given(options: PipelineOptions) -> dict[str, object]:
    """The flags that differ from Beam's defaults, by their names in Python."""
    return options.get_all_options(drop_default=True)


def _check_foreign_flags(options: PipelineOptions, runner: str, namespace: argparse.Namespace) -> None:
    """A flag of another engine does nothing: most likely --runner was forgotten."""
    for name in JOB_SERVER_FLAGS:
        if getattr(namespace, name) and not is_portable(runner):
            raise UsageError(f"--{name} does nothing with --runner {runner}: it is for Flink and Spark")
    for name in _given(options):
        engine = name.partition("_")[0]
        owner = {"flink": FLINK, "spark": SPARK, "prism": "PrismRunner"}.get(engine)
        if owner and runner != owner:
            raise UsageError(f"--{name} does nothing with --runner {runner}: add --runner {owner}")
        if (name == "job_endpoint" or engine == "environment") and not is_portable(runner):
            raise UsageError(f"--{name} does nothing with --runner {runner}: add --runner {PORTABLE}")


# ---------------------------------------------------------------- job servers


def _check_job_server(options: PipelineOptions, runner: str) -> None:
    endpoint = options.view_as(PortableOptions).job_endpoint
    if endpoint:
        if endpoint != "embed" and not _is_address(endpoint):
            raise UsageError(f"--job_endpoint: {endpoint!r} is no address: give HOST:PORT of the job server")
        return
    if runner == PORTABLE:
        raise UsageError("--runner PortableRunner needs --job_endpoint HOST:PORT of a running job server")
    if runner == FLINK:
        flink = options.view_as(FlinkRunnerOptions)
        needs_java = not (flink.flink_submit_uber_jar and _master_host(options, runner))
        _check_jar("flink_job_server_jar", flink.flink_job_server_jar, f"flink-{flink.flink_version}")
    else:
        spark = options.view_as(SparkRunnerOptions)
        needs_java = not spark.spark_submit_uber_jar
        if spark.spark_submit_uber_jar and not spark.spark_rest_url:
            raise UsageError("--spark_submit_uber_jar needs --spark_rest_url, for example http://HOST:6066")
        _check_jar("spark_job_server_jar", spark.spark_job_server_jar, f"spark-{spark.spark_version}")
    launcher = options.view_as(JobServerOptions).job_server_java_launcher
    if needs_java and shutil.which(launcher) is None:
        raise UsageError(f"--job_server_java_launcher: there is no program {launcher!r}: install Java")


def _check_jar(flag: str, jar: str | None, name: str) -> None:
    if not jar:
        raise UsageError(
            f"give --{flag} FILE (beam-runners-{name}-job-server-VERSION.jar, VERSION that of Beam), or "
            "--job_endpoint HOST:PORT of a job server that runs: nothing is downloaded"
        )
    if urlsplit(jar).scheme in ("http", "https"):
        return
    if not os.path.isfile(jar):
        raise UsageError(f"--{flag}: there is no file {jar!r}")


# ---------------------------------------------------------------- where workers run


def _check_environment(options: PipelineOptions, runner: str) -> None:
    portable = options.view_as(PortableOptions)
    if options.view_as(WorkerOptions).sdk_container_image:
        raise UsageError(
            f"--sdk_container_image does nothing with --runner {runner}: give --environment_type DOCKER "
            "--environment_config IMAGE"
        )
    kind = _environment_type(options, runner)
    if kind not in _ENVIRONMENTS:
        close = difflib.get_close_matches(kind, _ENVIRONMENTS, n=1)
        raise UsageError(
            f"--environment_type: {portable.environment_type!r} is unknown: "
            + (f"did you mean {close[0]}?" if close else f"one of {', '.join(_ENVIRONMENTS)}")
        )
    if portable.environment_type:
        portable.environment_type = kind  # Beam knows only capitals
    check = {"DOCKER": _check_docker, "PROCESS": _check_process, "EXTERNAL": _check_external}
    check.get(kind, _check_loopback)(options, runner)


def _environment_type(options: PipelineOptions, runner: str) -> str:
    """What --environment_type says in capitals, or what Beam takes without it."""
    given = options.view_as(PortableOptions).environment_type
    if given:
        return given.upper()
    # A local Flink or Spark has its Python workers in this very process.
    return "LOOPBACK" if runner in (FLINK, SPARK) and not _master_host(options, runner) else "DOCKER"


def _check_docker(options: PipelineOptions, runner: str) -> None:
    portable = options.view_as(PortableOptions)
    image = portable.environment_config or portable.lookup_environment_option("docker_container_image")
    if image or options.view_as(SetupOptions).setup_file:
        return
    chosen = "" if portable.environment_type else f"--runner {runner} needs to know where its workers run: "
    raise UsageError(
        f"{chosen}--environment_type DOCKER needs --environment_config IMAGE (Beam's own image holds neither "
        "this job nor its libraries), or --setup_file ./setup.py to install them at every start"
        + ("" if portable.environment_type else "; or give --environment_type PROCESS, EXTERNAL or LOOPBACK")
    )


def _check_process(options: PipelineOptions, runner: str) -> None:
    portable = options.view_as(PortableOptions)
    if not portable.environment_config:
        command = portable.lookup_environment_option("process_command")
    else:
        command = _json(portable.environment_config).get("command")
    if not command:
        raise UsageError(
            '--environment_type PROCESS needs --environment_config \'{"command": "/path/to/boot"}\''
        )


def _check_external(options: PipelineOptions, runner: str) -> None:
    address = _external_address(options)
    if not _is_address(address):
        was = f", not {address!r}" if address else ""
        raise UsageError(
            f"--environment_type EXTERNAL needs --environment_config HOST:PORT of a worker pool{was}"
        )


def _check_loopback(options: PipelineOptions, runner: str) -> None:
    portable = options.view_as(PortableOptions)
    if portable.environment_config:
        raise UsageError("--environment_type LOOPBACK takes no --environment_config")
    remote = _first_remote(_engine_hosts(options, runner))
    if remote:
        raise UsageError(
            f"--environment_type LOOPBACK runs workers in this process, which {remote} cannot reach: give "
            "DOCKER, PROCESS or EXTERNAL"
        )


def _external_address(options: PipelineOptions) -> str:
    portable = options.view_as(PortableOptions)
    config = portable.environment_config
    if not config:
        address = portable.lookup_environment_option("external_service_address")
        return address if isinstance(address, str) else ""
    return _json(config).get("url") or "" if config.lstrip().startswith("{") else config


def _json(text: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--environment_config: {text!r} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UsageError(f"--environment_config: {text!r} is not a JSON object")
    return value


# ---------------------------------------------------------------- addresses


def _engine_hosts(options: PipelineOptions, runner: str) -> list[str | None]:
    endpoint = options.view_as(PortableOptions).job_endpoint
    return [_host(endpoint or ""), _master_host(options, runner)]


def _first_remote(hosts: list[str | None]) -> str | None:
    """The first of the hosts that is not this machine."""
    return next((host for host in hosts if host and not _is_this_machine(host)), None)


def _master_host(options: PipelineOptions, runner: str) -> str | None:
    """The host of the cluster that a Flink or Spark job is sent to; None where the engine is started here."""
    if runner == FLINK:
        master = options.view_as(FlinkRunnerOptions).flink_master
    elif runner == SPARK:
        spark = options.view_as(SparkRunnerOptions)
        master = spark.spark_rest_url if spark.spark_submit_uber_jar else spark.spark_master_url
    else:
        return None
    master = (master or "[auto]").strip()
    if _LOCAL_MASTER.fullmatch(master):
        return None
    return _host(master) or master


def _host(address: str) -> str:
    """The host in ``HOST:PORT`` or ``scheme://HOST:PORT``; empty where there is none."""
    found = _ADDRESS.match(address.split("://", 1)[-1])
    return found["host"].lower() if found else ""


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return bool(found) and 0 < int(found["port"]) < 65_536


def _is_this_machine(host: str) -> bool:
    return host in _LOCAL_HOSTS or host == socket.gethostname().lower()
