import pytest

from transforms.storage import uris


def test_home_and_percent_signs(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert uris.absolute_uri("~/scans/**") == "/home/somebody/scans/**"
    assert uris.absolute_uri("file:///tmp/a%20b.png") == "/tmp/a b.png"
    assert uris.absolute_uri("gs://bucket/a%20b/../c.png") == "gs://bucket/a%20b/../c.png"


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("/tmp/a.png", True),
        ("a b.png", True),
        ("file:///tmp/a.png", True),
        ("gs://bucket/a.png", False),
        ("s3://bucket/a.png", False),
        ("c:/scans/a.png", True),
    ],
)
def test_local_are_paths_and_file_uris(uri, local):
    assert uris.is_local(uri) is local


def test_local_path_of_a_file_uri_is_unquoted():
    assert uris.local_path("file:///tmp/a%20b.png") == "/tmp/a b.png"
    assert uris.local_path("/tmp/a%20b.png") == "/tmp/a%20b.png"
