"""What earlier runs left, summaries and tables: facts, or an UnreadableRunError that says which file."""

import io
import tempfile
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given

from beam_kie import __version__
from beam_kie.imaging.limits import DecodeLimits
from beam_kie.options import from_values
from tests.fuzz.mutations import arbitrary, as_json, json_values, mutated, mutated_json
from tests.fuzz.sandbox import target
from tests.pages import PROVENANCE
from transforms.config import JobConfig
from transforms.runs.earlier_runs import read_retryable
from transforms.runs.finished_runs import UnreadableRunError
from transforms.runs.ledger.plan import made_alike, make_plan
from transforms.runs.ledger.records import RECORDS, read_records

CONFIG = from_values(JobConfig, {"output": "/nowhere", "run_id": "now"})
SUMMARY = {
    "run_id": "mon",
    "started_at": "2026-01-01T02:00:00Z",
    "finished_at": "2026-01-01T03:00:00Z",
    "beam_kie_version": __version__,
    "provenance": asdict(PROVENANCE),
    "options": asdict(DecodeLimits()),
    "documents": {"total": 3},
}


def table(**changes) -> bytes:
    columns = {
        "uri": ["/a", "/b"],
        "content_sha256": ["00" * 32, None],
        "size_bytes": [1, 2],
        "source_version": [None, "3"],
        "source_updated_at": pa.array([0, None], pa.timestamp("us", "UTC")),
        "format": ["png", None],
        "page_count": [1, None],
        "status": ["SUCCESS", "FAILURE"],
        "retryable_failure_count": [0, 1],
        "retryable": [True, False],
        **changes,
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


TABLES = [
    table(),
    table(uri=[1, 2]),
    table(content_sha256=[b"\xff", b"x"]),
    table(status=[[1], []]),
    table(retryable=["yes", None]),
    table(source_updated_at=["then", "now"]),
]


@target(UnreadableRunError)
def read_summary(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "runs", "run_id=mon", "summary.json")
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        (run,) = make_plan(folder, None, 10).runs.values()
        assert all(isinstance(field, str) for field in run.age)
        made_alike(run, CONFIG, PROVENANCE)


@target(UnreadableRunError)
def read_table(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "part.parquet")
        path.write_bytes(data)
        try:
            for records in read_records(str(path), "mon", 10):
                assert records.schema == RECORDS and all(records.column("uri").to_pylist())
        finally:
            for uri in read_retryable(str(path), CONFIG):
                assert isinstance(uri, str)


@given(data=arbitrary(b"", b'{"run_id": ') | mutated([as_json(SUMMARY)]))
def test_any_bytes_as_summary(sandbox, data):
    sandbox.check(read_summary, data)


@given(value=json_values() | mutated_json([SUMMARY]))
def test_other_summaries(sandbox, value):
    sandbox.check(read_summary, as_json(value))


@given(data=arbitrary(b"PAR1", b"") | mutated(TABLES, (b"PAR1", b"\xff" * 9)))
def test_damaged_tables(sandbox, data):
    sandbox.check(read_table, data)
