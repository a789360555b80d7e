"""Real clients against a storage that is busy, closes connections, stops answering or sends damaged bytes."""

import io
import json
import os

import pyarrow.parquet as pq
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image

from beam_kie.document import Category, DocumentError, SourceFile
from tests.faulty_server import Fault, faulty
from transforms.launch import cli
from transforms.runs import paths
from transforms.stages import inputs
from transforms.stages.finding import match_pattern
from transforms.storage import files
from transforms.storage.files import StorageError

CONTENT = os.urandom(40_000)
# So much time that a busy machine does not matter; the waits are short all the same.
PLENTY_S = 15
# A third of it is how long a request may be silent.
SHORT_S = 1


@pytest.fixture
def gs(gcs_bucket, monkeypatch):
    with faulty(os.environ["STORAGE_EMULATOR_HOST"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server, gcs_bucket


@pytest.fixture
def s3(s3_bucket):
    with faulty(os.environ["AWS_ENDPOINT_URL_S3"]) as server:
        FileSystems.set_options(PipelineOptions(["--s3_endpoint_url", server.url]))
        yield server, s3_bucket
        FileSystems.set_options(PipelineOptions([]))


@pytest.fixture(params=["gs", "s3"])
def place(request):
    """A proxy and a bucket behind it, with one object."""
    server, bucket = request.getfixturevalue(request.param)
    files.write_bytes(f"{bucket}/file.bin", CONTENT)
    server.asked.clear()
    return server, bucket


def upload(server, bucket) -> dict:
    """Where uploads go to, as a Fault takes it."""
    return {"method": "POST", "part": "upload"} if bucket.startswith("gs") else {"method": "PUT"}


def unavailable(uri, timeout_s=SHORT_S) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        files.read_bytes(uri, max_bytes=10**6, timeout_s=timeout_s)
    assert caught.value.category == Category.SOURCE_UNAVAILABLE
    return caught.value


@pytest.mark.parametrize("kind", [503, 429, 500, "reset", "truncate"])
def test_reading_is_retried_after_transient_errors(place, kind):
    server, bucket = place
    server.faults = [Fault(kind, "file.bin", times=2)]
    assert files.read_bytes(f"{bucket}/file.bin", max_bytes=10**6, timeout_s=PLENTY_S) == CONTENT
    assert server.count("file.bin") == 3


def test_damaged_bytes_are_fetched_again(gs):
    server, bucket = gs
    files.write_bytes(f"{bucket}/file.bin", CONTENT)
    server.faults = [Fault("corrupt", "file.bin")]
    assert files.read_bytes(f"{bucket}/file.bin", timeout_s=PLENTY_S) == CONTENT
    assert server.count("file.bin") == 2


@pytest.mark.parametrize("kind", ["stall", "stall_body"])
def test_reading_does_not_wait_for_a_storage_that_does_not_answer(place, kind):
    server, bucket = place
    server.faults = [Fault(kind, "file.bin")]
    assert files.read_bytes(f"{bucket}/file.bin", max_bytes=10**6, timeout_s=PLENTY_S / 3) == CONTENT
    assert server.count("file.bin") == 2


@pytest.mark.parametrize("kind", [503, 429, "reset", "truncate", "stall", "stall_body"])
def test_file_that_stays_out_of_reach_is_a_failure_worth_a_later_run(place, kind):
    server, bucket = place
    server.faults = [Fault(kind, "file.bin", times=None)]
    error = unavailable(f"{bucket}/file.bin")
    assert error.retryable
    assert "--storage_timeout_s" in error.message


def test_file_that_comes_too_slowly_is_given_up(place):
    server, bucket = place
    files.write_bytes(f"{bucket}/large.bin", bytes(2_000_000))
    server.faults = [Fault("drip", "large.bin", times=None)]
    # At the speed of the drip it would come, in 80 seconds.
    assert unavailable(f"{bucket}/large.bin").retryable


@pytest.mark.parametrize(
    ("status", "word"), [(403, "permission"), (404, "no such file"), (401, "no valid credentials")]
)
def test_refusals_are_final(place, status, word):
    server, bucket = place
    server.faults = [Fault(status, "file.bin", times=None)]
    error = unavailable(f"{bucket}/file.bin", PLENTY_S)
    assert word in error.message
    assert not error.retryable
    assert server.count("file.bin") == 1


def test_refusal_names_the_permission_that_is_missing(place):
    server, bucket = place
    read, write, see = {
        "gs": ("storage.objects.get", "storage.objects.create", "storage.objects.list"),
        "s3": ("s3:GetObject", "s3:PutObject", "s3:ListBucket"),
    }[bucket[:2]]
    server.faults = [Fault(403, times=None), Fault(403, **upload(server, bucket), times=None)]
    assert read in unavailable(f"{bucket}/file.bin").message
    with pytest.raises(StorageError, match=write) as caught:
        files.write_bytes(f"{bucket}/new.bin", b"1")
    assert not caught.value.transient
    with pytest.raises(StorageError, match=see):
        files.list_files(bucket)
    with pytest.raises(inputs.InputError, match=see):
        inputs.check_inputs([f"{bucket}/**"])


@pytest.mark.parametrize("kind", (503, 429, "reset", "stall"))
def test_writing_is_retried_after_transient_errors(place, kind):
    server, bucket = place
    server.faults = [Fault(kind, **upload(server, bucket))]
    files.write_bytes(f"{bucket}/new.bin", CONTENT, timeout_s=PLENTY_S / 3)
    assert files.read_bytes(f"{bucket}/new.bin") == CONTENT


def test_write_whose_answer_was_lost_is_repeated_to_the_same_end(place):
    server, bucket = place
    server.faults = [Fault("truncate", **upload(server, bucket))]
    files.write_bytes(f"{bucket}/new.bin", CONTENT, timeout_s=PLENTY_S)
    assert files.list_files(bucket) == [f"{bucket}/file.bin", f"{bucket}/new.bin"]
    assert files.read_bytes(f"{bucket}/new.bin") == CONTENT


@pytest.mark.parametrize("kind", [503, "stall"])
def test_file_that_cannot_be_written_is_one_clear_line_and_leaves_nothing(place, kind):
    server, bucket = place
    server.faults = [Fault(kind, **upload(server, bucket), times=None)]
    with pytest.raises(StorageError) as caught:
        files.write_bytes(f"{bucket}/new.bin", CONTENT, timeout_s=SHORT_S)
    assert str(caught.value).startswith(f"cannot write {bucket}/new.bin: ")
    assert "--storage_timeout_s" in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.transient
    server.faults = []
    assert not files.exists(f"{bucket}/new.bin")


def test_listing_is_retried_after_transient_errors_and_reads_every_page_once(place):
    server, bucket = place
    for number in range(7):
        files.write_bytes(f"{bucket}/scans/{number}.png", b"1")
    server.page_size = 3
    server.faults = [Fault(503, "prefix=scans"), Fault("truncate", "prefix=scans")]
    found = list(match_pattern(f"{bucket}/scans/**", timeout_s=PLENTY_S))
    uris = [source.uri for source in found if isinstance(source, SourceFile)]
    assert uris == [f"{bucket}/scans/{number}.png" for number in range(7)]


def test_only_as_much_of_a_listing_is_read_as_is_wanted(gs):
    server, bucket = gs
    for number in range(7):
        files.write_bytes(f"{bucket}/scans/{number}.png", b"1")
    server.page_size = 3
    assert len(list(files.match(f"{bucket}/scans/**", limit=2))) == 2
    assert server.count("prefix=scans") == 1


def test_listing_that_stays_out_of_reach_is_no_mistake_of_the_users(place):
    server, bucket = place
    server.faults = [Fault(503, times=None)]
    with pytest.raises(StorageError, match="cannot list") as caught:
        inputs.check_inputs([f"{bucket}/scans/**"], timeout_s=SHORT_S)
    assert caught.value.transient
    with pytest.raises(StorageError):
        list(match_pattern(f"{bucket}/scans/**", timeout_s=SHORT_S))


def test_named_file_that_cannot_be_listed_is_still_a_source(place):
    server, bucket = place
    server.faults = [Fault(503, times=None), Fault(503, method="HEAD", times=None)]
    (source,) = match_pattern(f"{bucket}/file.bin", timeout_s=SHORT_S)
    assert isinstance(source, SourceFile)
    assert (source.uri, source.size_bytes) == (f"{bucket}/file.bin", None)


def test_deleting_is_retried_after_transient_errors(place):
    server, bucket = place
    server.faults = [Fault(503, method="DELETE"), Fault("reset", method="DELETE")]
    assert files.delete_folder(bucket, timeout_s=PLENTY_S) == 1
    assert files.list_files(bucket) == []


def test_reads_share_their_connections(place):
    server, bucket = place
    before = server.connections
    for _ in range(20):
        files.read_bytes(f"{bucket}/file.bin", timeout_s=PLENTY_S)
    assert server.connections - before <= 1


# ---------------------------------------------------------------- the whole job


@pytest.fixture
def job(gs, small_model):
    """A proxy, a bucket with pages behind it, and the flags of a job that reads and writes there."""
    server, bucket = gs
    lines = []
    for name in ("a", "b", "c", "secret", "stays"):
        page = io.BytesIO()
        Image.new("L", (60, 80), 255).save(page, "png")
        files.write_bytes(f"{bucket}/scans/{name}.png", page.getvalue())
        given = [{"text": "Name: Li Lei", "confidence": 0.9, "box": [5, 5, 50, 15]}]
        lines.append(json.dumps({"uri": f"{bucket}/scans/{name}.png", "page": 1, "lines": given}) + "\n")
    files.write_bytes(f"{bucket}/lines.jsonl", "".join(lines).encode())
    flags = [f"--input={bucket}/scans/**", f"--output={bucket}/out", "--run_id=r", "--num_shards=1"]
    flags += ["--ocr_engine=none", f"--ocr_lines={bucket}/lines.jsonl", f"--model={small_model}"]
    return server, f"{bucket}/out", [*flags, "--storage_timeout_s=9"]


def failure_rows(output) -> list[dict]:
    data = files.read_bytes(paths.table_path(output, "failures", "r", 0, 1))
    return pq.read_table(io.BytesIO(data)).to_pylist()


def test_job_survives_transient_errors_and_loses_only_unreachable_files(job):
    server, output, flags = job
    uploads = [Fault(503, f"out/{name}/run_id=r", "POST") for name in ("lines", "overlays", "runs")]
    server.faults = [
        *uploads,
        Fault("reset", "out/documents/run_id=r", "POST"),
        Fault(429, "prefix=scans", times=3),
        Fault(503, "a.png", times=2),
        Fault("truncate", "b.png"),
        Fault("stall", "c.png"),
        Fault(403, "secret.png", times=None),
        Fault(503, "stays.png", times=None),
    ]
    assert cli.main(flags) == cli.OK
    assert [fault.times for fault in server.faults if fault.times] == []
    documents = json.loads(files.read_bytes(paths.summary_path(output, "r")))["documents"]
    assert documents["counts_add_up"]
    assert (documents["success"], documents["failure"]) == (3, 2)
    assert len(files.list_files(paths.overlay_folder(output, "r"))) == 3
    rows = {row["uri"].rsplit("/", 1)[1]: row for row in failure_rows(output)}
    assert {row["category"] for row in rows.values()} == {"SOURCE_UNAVAILABLE"}
    assert {name: row["retryable"] for name, row in rows.items()} == {"secret.png": False, "stays.png": True}
    assert "storage.objects.get" in rows["secret.png"]["message"]
    assert "HTTP 503" in rows["stays.png"]["message"]


@pytest.mark.parametrize(
    ("status", "path", "advice"),
    [(503, "runs/run_id=r/summary.json", "--storage_timeout_s"), (403, "lines/run_id=r", "objects.create")],
)
def test_job_that_cannot_write_says_so_and_does_not_look_finished(job, capfd, status, path, advice):
    server, output, flags = job
    server.faults = [Fault(status, f"out/{path}", "POST", times=None)]
    assert cli.main([*flags, "--overlays=none"]) == cli.FAILED
    (line,) = [line for line in capfd.readouterr().err.splitlines() if "run r failed" in line]
    assert f"cannot write {output}/{path}" in line
    assert advice in line
    assert not files.exists(paths.summary_path(output, "r"))


def test_job_that_cannot_list_its_input_ends_before_anything_is_written(job, capfd):
    server, output, flags = job
    server.faults = [Fault(503, "prefix=scans", times=None)]
    assert cli.main([*flags, "--storage_timeout_s=1"]) == cli.FAILED
    (line,) = capfd.readouterr().err.splitlines()
    assert "nothing was written: cannot list" in line
    server.faults = []
    assert files.list_files(output) == []
