"""s3:// as the job uses it, against a local server: read, written, replaced, from bucket to bucket."""

# pyright: reportOptionalMemberAccess=false, reportAttributeAccessIssue=false

import json
import os
import time
from collections import Counter
from collections.abc import Iterator

import boto3
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from beam_kie.document import Category, DocumentError
from tests.test_object_storage import bad_files, file_of, given_lines
from tests.written_files import written_objects
from transforms.launch import cli
from transforms.runs import locks, paths
from transforms.stages import inputs
from transforms.storage import files, s3
from transforms.storage.retries import Attempt


@pytest.fixture
def endpoint(s3_bucket, monkeypatch) -> Iterator[str]:
    """The server's address, which only the flag tells the job."""
    address = os.environ["AWS_ENDPOINT_URL_S3"]
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    yield address
    FileSystems.set_options(PipelineOptions([]))


@pytest.fixture
def bucket(s3_bucket, endpoint) -> str:
    FileSystems.set_options(PipelineOptions(["--s3_endpoint_url", endpoint]))
    return s3_bucket


def test_bytes_are_written_read_and_replaced(bucket):
    path = f"{bucket}/a folder/ä+b.bin"
    files.write_bytes(path, b"first")
    files.write_bytes(path, b"second")
    assert files.read_bytes(path, max_bytes=6) == b"second"
    assert files.list_files(bucket) == [path]
    found = files.look(path)
    assert (found.uri, found.size_bytes) == (path, 6)
    assert list(files.match(f"{bucket}/a folder/*.bin")) == [found]
    with pytest.raises(DocumentError) as caught:
        files.read_bytes(path, max_bytes=5)
    assert caught.value.category == Category.FILE_TOO_LARGE


def test_empty_objects_are_written_and_read(bucket):
    files.write_bytes(f"{bucket}/empty", b"")
    assert files.read_bytes(f"{bucket}/empty") == b""
    assert files.look(f"{bucket}/empty").size_bytes == 0


def test_missing_object_and_bucket_are_reported(bucket):
    with pytest.raises(DocumentError, match="no such file") as caught:
        files.read_bytes(f"{bucket}/none", max_bytes=1)
    assert caught.value.category == Category.SOURCE_UNAVAILABLE
    assert not caught.value.retryable
    assert not files.exists(f"{bucket}/none")
    assert files.list_files(f"{bucket}/none") == []
    with pytest.raises(inputs.InputError, match="no such bucket"):
        inputs.check_inputs([f"{bucket}-none/**"])


def test_wrong_credentials_are_reported_before_launch(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("transforms.storage.s3._session_of", lambda _process: boto3.session.Session())
    with pytest.raises(inputs.InputError, match="no valid credentials"):
        # Another time limit, so that no client from before is at hand.
        inputs.check_inputs([f"{bucket}/**"], timeout_s=7)


def test_long_listing_is_read_page_by_page(bucket, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for number in range(7):
        files.write_bytes(f"{bucket}/scans/{number}", b"1")
    found = [file.uri for file in files.match(f"{bucket}/scans/**")]
    assert found == [f"{bucket}/scans/{number}" for number in range(7)]


def test_from_a_bucket_to_a_bucket(s3_bucket, endpoint):
    FileSystems.set_options(PipelineOptions(["--s3_endpoint_url", endpoint]))
    lines = []
    for number, (kind, pages) in enumerate([("png", 1), ("jpeg", 1), ("tiff", 3), ("pdf", 2)]):
        uri = f"{s3_bucket}/scans/{number}.{kind}"
        files.write_bytes(uri, file_of(kind, pages, number))
        lines += [given_lines(uri, page + 1) for page in range(pages)]
    for name, (data, _) in bad_files().items():
        files.write_bytes(f"{s3_bucket}/scans/{name}", data)
    files.write_bytes(f"{s3_bucket}/lines.jsonl", "".join(lines).encode())
    # Nothing but the flag may lead there.
    FileSystems.set_options(PipelineOptions([]))

    flags = [f"--input={s3_bucket}/scans/**", f"--output={s3_bucket}/out", "--run_id=r", "--pdf_dpi=72"]
    flags += ["--ocr_engine=none", f"--ocr_lines={s3_bucket}/lines.jsonl"]
    flags += [f"--s3_endpoint_url={endpoint}", "--num_shards=1"]
    assert cli.main(flags) == cli.OK
    summary = json.loads(files.read_bytes(paths.summary_path(f"{s3_bucket}/out", "r")))
    assert summary["documents"]["counts_add_up"]
    assert (summary["documents"]["success"], summary["documents"]["failure"]) == (4, len(bad_files()))
    assert (summary["pages"]["ok"], summary["overlays"]["written"]) == (7, 7)
    expected = Counter(category for _, category in bad_files().values())
    assert summary["failures"]["by_category"] == expected

    written = written_objects(f"{s3_bucket}/out")
    assert len([path for path in written if "/review/" not in path]) == len(paths.TABLES) + 7
    assert cli.main(flags) == cli.BAD_OPTIONS
    assert cli.main([*flags, "--overwrite"]) == cli.OK
    assert written_objects(f"{s3_bucket}/out") == written


def test_of_two_runs_that_begin_at_once_one_is_refused(bucket):
    uri = f"{bucket}/out/_started.json"
    first, second = (locks.claimed(bucket, "r", locks.Replace.NOTHING) for _ in "12")
    with first, pytest.raises(locks.RunTakenError), second:
        pass
    # Both looked before either made it.
    files.write_bytes(uri, b"first")
    assert not s3.create(uri, b"second", Attempt(5, time.monotonic() + 5))
    assert files.read_bytes(uri) == b"first"
