"""The schedules for clusters: Airflow's DAGs, the Cloud Workflows definition, the Kubernetes CronJob.

Airflow and the schemas of Kubernetes are too large for the project's environment. Their checks run where
``BEAM_KIE_SCHEDULES_PYTHON`` names a Python that has them: ``make schedules`` makes one.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from google.cloud import dataflow_v1beta3 as dataflow

from transforms.launch.arguments import job_config, parse_arguments
from transforms.runs.check import argument_parser as check_parser

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
PYTHON = os.environ.get("BEAM_KIE_SCHEDULES_PYTHON")
TEMPLATE = json.loads((DEPLOY / "flex_template.json").read_text())
PARAMETERS = {parameter["name"]: parameter for parameter in TEMPLATE["parameters"]}

needs_tools = pytest.mark.skipif(
    PYTHON is None, reason="BEAM_KIE_SCHEDULES_PYTHON names no Python with Airflow (make schedules)"
)

# Printed as JSON: each DAG's tasks, what they depend on, and their templated fields as Airflow renders them.
READ_DAGS = """
import importlib.util, json, sys
from unittest import mock
spec = importlib.util.spec_from_file_location("airflow_dag", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from airflow.sdk import DAG
found = {}
for dag in (value for value in vars(module).values() if isinstance(value, DAG)):
    dag.validate()
    found[dag.dag_id] = {
        "schedule": str(dag.schedule), "most": dag.max_active_runs, "catchup": dag.catchup,
        "tasks": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
        "alerts": all(task.on_failure_callback for task in dag.tasks),
        "body": next((task.body for task in dag.tasks if hasattr(task, "body")), None),
        "commands": [task.bash_command for task in dag.tasks if hasattr(task, "bash_command")],
        "deferrable": [task.deferrable for task in dag.tasks if hasattr(task, "body")],
    }
check = next(task for task in module.dag.tasks if task.task_id == "check").python_callable
def judged(documents):
    with mock.patch.object(module, "GCSHook") as hook:
        hook.return_value.download.return_value = json.dumps({"documents": documents}).encode()
        try:
            check("bucket", "20260302")
        except RuntimeError:
            return "bad", hook.return_value.download.call_args.args
        return "good", hook.return_value.download.call_args.args
found["judged"] = [
    judged({"counts_add_up": True, "failure_ratio": 0.05}),
    judged({"counts_add_up": True, "failure_ratio": 0.06}),
    judged({"counts_add_up": False, "failure_ratio": 0.0}),
]
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def dags(tmp_path_factory) -> dict:
    home = tmp_path_factory.mktemp("airflow")
    code = READ_DAGS.replace("module.dag.", "module.DATAFLOW.")
    done = subprocess.run(
        [str(PYTHON), "-c", code, str(DEPLOY / "airflow_dag.py")],
        capture_output=True, text=True, env={**os.environ, "AIRFLOW_HOME": str(home)}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.partition("FOUND")[2])


def fits_the_template(parameters: dict[str, str]) -> None:
    """The template knows every parameter, the required ones are there, and the job accepts the values."""
    assert parameters.keys() <= PARAMETERS.keys()
    assert {name for name, known in PARAMETERS.items() if not known["isOptional"]} <= parameters.keys()
    config = job_config(parse_arguments([f"--{name}={value}" for name, value in parameters.items()])[0])
    assert config.skip_done and config.resume and config.overlays == "failures"


@needs_tools
def test_airflow_reads_the_dags(dags):
    on_dataflow, on_machine = dags["beam_kie_dataflow"], dags["beam_kie_machine"]
    for dag in (on_dataflow, on_machine):
        assert dag["tasks"] == {"run": [], "check": ["run"]}
        assert dag["most"] == 1 and not dag["catchup"] and dag["alerts"]
    assert on_dataflow["deferrable"] == [True]
    launch = on_dataflow["body"]["launchParameter"]
    values = {"{{ var.value.beam_kie_bucket }}": "bucket", "{{ var.value.beam_kie_project }}": "project"}
    text = json.dumps(launch)
    for template, value in values.items():
        text = text.replace(template, value)
    text = re.sub(r"\{\{ dag_run.*?\}\}", "20260302", text)
    text = text.replace("{{ var.value.beam_kie_image }}", "image")
    assert "{{" not in text
    request = dataflow.LaunchFlexTemplateParameter.from_json(text)
    assert request.container_spec_gcs_path == "gs://bucket/templates/beam-kie.json"
    fits_the_template(dict(request.parameters))


@needs_tools
def test_airflow_fails_after_a_bad_night(dags):
    outcomes, asked = zip(*dags["judged"], strict=True)
    assert outcomes == ("good", "bad", "bad")
    assert asked[0] == ["bucket", "kie/runs/run_id=20260302/summary.json"]


@needs_tools
def test_airflow_runs_the_commands_of_one_machine(dags):
    run, check = (re.sub(r"\{\{.*?\}\}", "20260302", each) for each in dags["beam_kie_machine"]["commands"])
    program, *flags = run.split()
    assert program == "/opt/beam-kie/deploy/nightly.sh"
    config = job_config(parse_arguments(flags)[0])
    assert config.skip_done and config.run_id == "20260302"
    arguments = check_parser().parse_args(check.split()[3:])
    assert (arguments.output, arguments.run_id) == (config.output, config.run_id)


def workflow() -> dict:
    text = (DEPLOY / "workflow.yaml").read_text()
    for name, value in {"BUCKET": "my-bucket", "IMAGE": "my-image"}.items():
        assert f": {name}\n" in text
        text = text.replace(f": {name}\n", f": {value}\n")
    return yaml.safe_load(text)


def steps() -> dict[str, dict]:
    named = [next(iter(step.items())) for step in workflow()["main"]["steps"]]
    assert len({name for name, _ in named}) == len(named)
    return dict(named)


def test_workflow_launches_waits_and_judges():
    found = steps()
    branches = [branch for step in found.values() for branch in step.get("switch", [])]
    goals = [step["next"] for step in [*found.values(), *branches] if "next" in step]
    assert set(goals) <= found.keys()
    called = [step["call"] for step in found.values() if "call" in step]
    dataflow_api = "googleapis.dataflow.v1b3.projects.locations"
    assert called == [
        f"{dataflow_api}.flexTemplates.launch",
        "sys.sleep",
        f"{dataflow_api}.jobs.get",
        "http.get",
    ]
    states = set(re.findall(r"JOB_STATE_\w+", json.dumps(branches)))
    assert states <= {state.name for state in dataflow.JobState}
    ended = {"DONE", "FAILED", "CANCELLED", "DRAINED", "UPDATED"}
    assert states == {f"JOB_STATE_{name}" for name in ended}, (
        "a state that is missing would be waited for forever"
    )
    assert "max_workflow" not in json.dumps(found)


def test_workflow_fits_the_template():
    text = json.dumps(steps()["launch"]["args"]["body"]["launchParameter"])
    text = text.replace('${\\"gs://\\" + bucket + \\"', "gs://my-bucket").replace('\\"}', "")
    text = text.replace("${run_id}", "20260302")
    launch = dataflow.LaunchFlexTemplateParameter.from_json(text)
    fits_the_template(dict(launch.parameters))
    summary = steps()["read"]["args"]["url"]
    assert '"/o/" + text.url_encode("kie/runs/run_id=" + run_id + "/summary.json")' in summary


def test_workflow_s_expressions_are_closed():
    def texts(value):
        if isinstance(value, dict):
            for each in value.values():
                yield from texts(each)
        elif isinstance(value, list):
            for each in value:
                yield from texts(each)
        elif isinstance(value, str):
            yield value

    expressions = [text for text in texts(workflow()) if "$" in text]
    assert len(expressions) >= 15
    for text in expressions:
        assert text.startswith("${") and text.endswith("}"), text
        without_texts = re.sub(r'"[^"]*"', "", text)
        assert without_texts.count('"') == 0
        for pair in ("()", "[]", "{}"):
            assert without_texts.count(pair[0]) == without_texts.count(pair[1]), text


def cronjob() -> dict:
    return yaml.safe_load((DEPLOY / "cronjob.yaml").read_text())


def test_cronjob_runs_the_job_and_checks_it():
    spec = cronjob()["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    job = spec["jobTemplate"]["spec"]
    assert job["backoffLimit"] == 0, "a run that failed is looked at, or goes on the next night"
    pod = job["template"]["spec"]
    (run,), (check,) = pod["initContainers"], pod["containers"]
    config = job_config(parse_arguments(run["args"])[0])
    assert config.skip_done and config.max_failure_ratio == 0.05
    name, *arguments = check["args"]
    assert name == "check" and check_parser().parse_args(arguments).output == config.output
    mounted = {mount["mountPath"]: mount.get("readOnly", False) for mount in run["volumeMounts"]}
    assert mounted == {config.input[0]: True, config.output: False}
    user = re.search(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user and pod["securityContext"]["fsGroup"] == int(user[1])


def test_every_task_manager_of_flink_has_a_pool_of_its_own():
    spec = yaml.safe_load((DEPLOY / "flink.yaml").read_text())["spec"]
    main, pool = spec["taskManager"]["podTemplate"]["spec"]["containers"]
    assert main == {"name": "flink-main-container"}, "the operator knows it by this name"
    (port,) = pool["ports"]
    page = (ROOT / "docs" / "runners.md").read_text()
    ports = set(re.findall(r"--environment_config localhost:(\d+)", page))
    assert ports == {str(port["containerPort"])} and pool["args"] == ["--worker_pool"]
    settings = spec["flinkConfiguration"]
    assert settings["restart-strategy.type"] == "fixed-delay"
    assert settings["taskmanager.memory.network.min"] == "640mb"
    assert all(isinstance(value, str) for value in settings.values()), "the operator takes strings"


@needs_tools
def test_cronjob_is_what_kubernetes_takes():
    code = (
        "import json, sys, kubernetes_validate as k; "
        "k.validate(json.load(sys.stdin), '1.31', strict=True); print('valid')"
    )
    done = subprocess.run(
        [str(PYTHON), "-c", code], input=json.dumps(cronjob()), capture_output=True, text=True
    )
    assert done.stdout == "valid\n", done.stderr
    wrong = cronjob()
    wrong["spec"]["concurrency"] = "Forbid"
    refused = subprocess.run(
        [str(PYTHON), "-c", code], input=json.dumps(wrong), capture_output=True, text=True
    )
    assert refused.returncode != 0, "the check sees nothing"
