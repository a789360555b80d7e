import pytest
from apache_beam.io.filesystem import BeamIOError
from botocore.exceptions import ClientError, IncompleteReadError, NoCredentialsError, ReadTimeoutError
from google.api_core.exceptions import Forbidden, NotFound, RetryError, ServiceUnavailable, TooManyRequests
from google.auth.exceptions import DefaultCredentialsError, TransportError

from transforms.storage import retries
from transforms.storage.retries import StorageError


def s3_error(status, code="Any"):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ServiceUnavailable("busy"), True),
        (TooManyRequests("slow"), True),
        (TransportError("no token now"), True),
        (RetryError("time is over", ServiceUnavailable("busy")), True),
        (StorageError("busy", transient=True), True),
        (StorageError("no"), False),
        (s3_error(503, "SlowDown"), True),
        (s3_error(400, "RequestTimeout"), True),
        (s3_error(400, "InvalidRequest"), False),
        (s3_error(404, "NoSuchKey"), False),
        (ReadTimeoutError(endpoint_url="http://s3"), True),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), True),
        (NoCredentialsError(), False),
        (DefaultCredentialsError("none"), False),
        (ConnectionResetError("peer"), True),
        (OSError("stale file handle"), True),
        (BeamIOError("Match operation failed"), True),
        (NotFound("none"), False),
        (Forbidden("no"), False),
        (FileNotFoundError("none"), False),
        (OSError("Not found: s3://bucket/key"), False),
        (PermissionError("no"), False),
        (ValueError("defect"), False),
    ],
)
def test_transient_errors_are_recognised(error, transient):
    assert retries.is_transient(error) is transient


def test_what_an_error_means_is_the_same_for_every_client():
    assert retries.is_not_found(s3_error(404)) and retries.is_not_found(NotFound("none"))
    assert retries.is_forbidden(s3_error(403)) and retries.is_forbidden(Forbidden("no"))
    assert retries.lacks_credentials(s3_error(401)) and retries.lacks_credentials(NoCredentialsError())
    assert not retries.lacks_credentials(s3_error(403)) and not retries.is_forbidden(s3_error(401))
    assert retries.what_happened(RetryError("over", ServiceUnavailable("busy"))) == "HTTP 503"
    assert retries.what_happened(RetryError("over", TimeoutError("late"))) == "TimeoutError"


def test_transient_errors_are_tried_again_and_others_are_not():
    calls = []

    def request(attempt):
        calls.append(attempt)
        raise errors[len(calls) - 1]

    errors = [ServiceUnavailable("busy"), ConnectionResetError("peer"), PermissionError("no")]
    with pytest.raises(PermissionError):
        retries.retried(request, timeout_s=1)
    assert len(calls) == 3
    assert calls[0] == calls[2]
    assert calls[0].silence_s == pytest.approx(1 / 3)


def test_lasting_errors_end_with_the_last_of_them():
    def request(_attempt):
        raise ServiceUnavailable("busy")

    with pytest.raises(RetryError) as caught:
        retries.retried(request, timeout_s=0.1)
    assert isinstance(caught.value.cause, ServiceUnavailable)


def test_an_attempt_knows_its_end():
    retries.Attempt(silence_s=1, deadline=float("inf")).check()
    with pytest.raises(TimeoutError):
        retries.Attempt(silence_s=1, deadline=0).check()
