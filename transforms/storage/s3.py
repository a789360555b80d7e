"""s3:// through one shared client per process, with the extra ``s3``; one request each, no retries.

Beam's own client cannot read or write empty objects, has no time limits and is created for every file.
Its flags (``--s3_endpoint_url`` and so on) are used; what they leave out, boto3 takes from the environment.
"""

from __future__ import annotations

import contextlib
import functools
import mimetypes
import os
import threading

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, S3Options

from transforms.storage.retries import Attempt, StorageError, is_not_found
from transforms.storage.stored import Page, StoredFile, split_uri

PERMISSIONS = {
    "read": "s3:GetObject",
    "write": "s3:PutObject",
    "list": "s3:ListBucket",
    "delete": "s3:DeleteObject",
}

# Threads of a process that ask at once; more connections would be opened and thrown away.
_CONNECTIONS = 32
_CHUNK_BYTES = 64 * 1024
_LOCK = threading.Lock()


def read(uri: str, max_bytes: int, attempt: Attempt) -> bytes:
    """The object's bytes, checked against its checksum; at most one more than ``max_bytes``.

    Args:
        uri: a local path or URI.
        max_bytes: the largest size that is wanted; one more byte shows that there is more.
        attempt: the time limits of this request.
    """
    bucket, key = split_uri(uri)
    data = bytearray()
    # Not "with": that would give the stream beneath, which does not notice a body that breaks off.
    with contextlib.closing(_client(attempt).get_object(Bucket=bucket, Key=key)["Body"]) as body:
        while len(data) <= max_bytes and (chunk := body.read(_CHUNK_BYTES)):
            attempt.check()
            data += chunk
    return bytes(data[: max_bytes + 1])


def write(uri: str, data: bytes, attempt: Attempt) -> None:
    """Make or replace the object, as a whole.

    Args:
        uri: a local path or URI.
        data: the whole object.
        attempt: the time limits of this request.
    """
    bucket, key = split_uri(uri)
    kind = mimetypes.guess_type(uri)[0] or "application/octet-stream"
    _client(attempt).put_object(Bucket=bucket, Key=key, Body=data, ContentType=kind)


def create(uri: str, data: bytes, attempt: Attempt) -> bool:
    """Make the object unless it is there; whether it was made.

    Args:
        uri: of the object.
        data: the whole object.
        attempt: the time limits of this request.
    """
    from botocore.exceptions import ClientError

    bucket, key = split_uri(uri)
    try:
        _client(attempt).put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in (
            "PreconditionFailed",
            "ConditionalRequestConflict",
        ):
            return False
        raise
    return True


def look(uri: str, attempt: Attempt) -> StoredFile | None:
    """The object's size and time; None where there is none.

    Args:
        uri: a local path or URI.
        attempt: the time limits of this request.
    """
    bucket, key = split_uri(uri)
    try:
        head = _client(attempt).head_object(Bucket=bucket, Key=key)
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    return _stored(bucket, {"Key": key, "Size": head["ContentLength"], **head})


def delete(uri: str, attempt: Attempt) -> None:
    """Delete the object, if it is there.

    Args:
        uri: a local path or URI.
        attempt: the time limits of this request.
    """
    bucket, key = split_uri(uri)
    _client(attempt).delete_object(Bucket=bucket, Key=key)


def first_after(prefix: str, after: str, attempt: Attempt) -> StoredFile | None:
    """The first object whose URI begins with ``prefix`` and comes after another URI; None: there is none.

    Args:
        prefix: a URI as far as it is fixed.
        after: a URI, of an object or not.
        attempt: the time limits of this request.
    """
    bucket, key = split_uri(prefix)
    page = _client(attempt).list_objects_v2(
        Bucket=bucket, Prefix=key, StartAfter=split_uri(after)[1], MaxKeys=1
    )
    return next((_stored(bucket, item) for item in page.get("Contents", ())), None)


def list_page(prefix: str, token: str | None, attempt: Attempt) -> Page:
    """Up to 1,000 objects whose URI begins with ``prefix``, and the token of the next page.

    Args:
        prefix: a URI as far as it is fixed.
        token: of the page, from the page before; None for the first.
        attempt: the time limits of this request.
    """
    bucket, key = split_uri(prefix)
    where = {"Bucket": bucket, "Prefix": key} | ({"ContinuationToken": token} if token else {})
    page = _client(attempt).list_objects_v2(**where)
    return [_stored(bucket, item) for item in page.get("Contents", ())], page.get("NextContinuationToken")


def _stored(bucket: str, item: dict) -> StoredFile:
    version = item["ETag"].strip('"') if "ETag" in item else None
    uri = f"s3://{bucket}/{item['Key']}"
    return StoredFile(uri, item["Size"], item["LastModified"].timestamp(), version)


def _client(attempt: Attempt):
    options = _options()
    keys = ("endpoint_url", "region_name", "api_version", "verify")
    keys += ("access_key_id", "secret_access_key", "session_token", "disable_ssl")
    given = tuple((key, getattr(options, f"s3_{key}")) for key in keys)
    # A client's connections must not be shared with a forked process, and a session makes one at a time.
    with _LOCK:
        return _client_of(os.getpid(), attempt.silence_s, given)


def _options() -> S3Options:
    """Beam's flags, as they reached this process."""
    options = getattr(FileSystems.get_filesystem("s3://"), "_options", None)
    return (options if isinstance(options, PipelineOptions) else PipelineOptions([])).view_as(S3Options)


@functools.lru_cache(maxsize=4)
def _client_of(process: int, silence_s: float, given: tuple[tuple[str, object], ...]):
    from botocore.config import Config

    options = dict(given)
    endpoint = options["endpoint_url"]
    return _session_of(process).client(
        "s3",
        endpoint_url=endpoint,
        region_name=options["region_name"],
        api_version=options["api_version"],
        verify=options["verify"],
        use_ssl=not options["disable_ssl"],
        aws_access_key_id=options["access_key_id"],
        aws_secret_access_key=options["secret_access_key"],
        aws_session_token=options["session_token"],
        config=Config(
            connect_timeout=silence_s,
            read_timeout=silence_s,
            retries={"total_max_attempts": 1},
            max_pool_connections=_CONNECTIONS,
            # Servers of one's own rarely have a host name for every bucket.
            s3={"addressing_style": "path" if endpoint else "auto"},
        ),
    )


@functools.lru_cache(maxsize=1)
def _session_of(_process: int):
    """What all clients share: credentials, and the description of the service, which is slow to read."""
    try:
        import boto3.session
    except ImportError as error:
        raise StorageError("s3:// needs the extra: pip install 'beam-kie[s3]'") from error
    return boto3.session.Session()
