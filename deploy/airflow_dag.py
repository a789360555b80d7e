"""Two nightly DAGs for Apache Airflow 3: ``beam_kie_dataflow`` and ``beam_kie_machine`` (docs/scheduling.md).

They need ``apache-airflow-providers-google`` and ``apache-airflow-providers-apache-beam``. Copy this file
into the folder of DAGs and set the Airflow variables that it names. Both DAGs end with a task that reads
``summary.json`` of the run; if a task fails, ``tell`` is called.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.providers.google.cloud.operators.dataflow import DataflowStartFlexTemplateOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

MAX_FAILURE_RATIO = 0.05
PROJECT = "{{ var.value.beam_kie_project }}"
REGION = "{{ var.value.beam_kie_region }}"
BUCKET = "{{ var.value.beam_kie_bucket }}"
IMAGE = "{{ var.value.beam_kie_image }}"
# One run a day, by its date; a task that is tried again goes on with the same run.
RUN_ID = "{{ dag_run.run_after.strftime('%Y%m%d') }}"


def tell(context: dict) -> None:
    """Say that a night went wrong: put a mail, a chat message or a pager here.

    Args:
        context: Airflow's context of the task that failed.
    """
    logging.getLogger(__name__).error("beam-kie: %s failed", context["task_instance"].task_id)


DEFAULTS = {
    "schedule": "30 1 * * *",
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    "dagrun_timeout": timedelta(hours=23),
    "default_args": {"on_failure_callback": tell},
    "tags": ["beam-kie"],
}


with DAG(
    "beam_kie_dataflow", description="Key-value pairs of new scans, on Dataflow", **DEFAULTS
) as DATAFLOW:
    launch = DataflowStartFlexTemplateOperator(
        task_id="run",
        project_id=PROJECT,
        location=REGION,
        deferrable=True,
        append_job_name=False,
        body={
            "launchParameter": {
                "jobName": "beam-kie-nightly",
                "containerSpecGcsPath": f"gs://{BUCKET}/templates/beam-kie.json",
                "parameters": {
                    "input": f"gs://{BUCKET}/scans/**",
                    "output": f"gs://{BUCKET}/kie",
                    "run_id": RUN_ID,
                    "resume": "true",
                    "skip_done": "true",
                    "overlays": "failures",
                    "disk_size_gb": "50",
                    "sdk_container_image": IMAGE,
                },
                "environment": {
                    "tempLocation": f"gs://{BUCKET}/tmp",
                    "stagingLocation": f"gs://{BUCKET}/staging",
                    "serviceAccountEmail": f"beam-kie-worker@{PROJECT}.iam.gserviceaccount.com",
                    "machineType": "n2-standard-4",
                    "maxWorkers": 20,
                },
            }
        },
    )

    @task
    def check(bucket: str, run_id: str) -> dict:
        """Read ``summary.json`` and fail where the night was bad.

        Args:
            bucket: Where the run wrote to.
            run_id: Of the run.

        Returns:
            The counts of documents.

        Raises:
            RuntimeError: Documents are not accounted for, or too many failed.
        """
        data = GCSHook().download(bucket, f"kie/runs/run_id={run_id}/summary.json")
        documents = json.loads(data)["documents"]
        if not documents["counts_add_up"] or documents["failure_ratio"] > MAX_FAILURE_RATIO:
            raise RuntimeError(f"a bad night: {documents}")
        return documents

    launch >> check(BUCKET, RUN_ID)


with DAG(
    "beam_kie_machine", description="Key-value pairs of new scans, on one machine", **DEFAULTS
) as MACHINE:
    run = BashOperator(
        task_id="run",
        bash_command="/opt/beam-kie/deploy/nightly.sh --input /srv/scans --output /srv/kie --skip_done "
        f"--run_id {RUN_ID} --resume --overlays failures",
    )
    check_run = BashOperator(
        task_id="check",
        bash_command="/opt/beam-kie/.venv/bin/python /opt/beam-kie/run_pipeline.py check /srv/kie "
        f"--run_id {RUN_ID} --max_failure_ratio {MAX_FAILURE_RATIO}",
    )
    run >> check_run
