import hashlib
import io

import pytest

from model_store.downloads import Progress, download
from model_store.errors import FetchError

DATA = bytes(range(256)) * 5000


@pytest.fixture
def file(web):
    (web.folder / "file.bin").write_bytes(DATA)
    return f"{web.address}/file.bin"


def test_file_comes_whole_with_its_checksum(file, tmp_path):
    checksum = hashlib.sha256(DATA).hexdigest()
    assert download(file, tmp_path / "x", checksum) == (checksum, len(DATA))
    assert (tmp_path / "x").read_bytes() == DATA


def test_wrong_checksum_leaves_nothing(file, tmp_path):
    with pytest.raises(FetchError, match="not the file that it should be"):
        download(file, tmp_path / "x", "0" * 64)
    assert not (tmp_path / "x").exists()


def test_nothing_there(web, tmp_path):
    with pytest.raises(FileNotFoundError):
        download(f"{web.address}/none", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def short_answer(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x" * 10)
    handler.close_connection = True


def test_cut_answer_leaves_nothing(web, tmp_path):
    web.answers["/short"] = short_answer
    with pytest.raises(FetchError, match=r"ended after 10 of 1000 bytes|cannot be read"):
        download(f"{web.address}/short", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_server_errors_are_reported(web, tmp_path):
    web.answers["/closed"] = lambda handler: handler.send_error(403)
    with pytest.raises(FetchError, match="answers 403"):
        download(f"{web.address}/closed", tmp_path / "x")
    with pytest.raises(FetchError, match="cannot be read"):
        download("http://127.0.0.1:1/x", tmp_path / "x")


def test_plain_http_needs_a_checksum(tmp_path):
    with pytest.raises(FetchError, match=r"use https, or add #sha256"):
        download("http://models.invalid/x.tar", tmp_path / "x")
    with pytest.raises(FetchError, match="cannot be read"):
        download("http://models.invalid/x.tar", tmp_path / "x", "0" * 64)
    with pytest.raises(FetchError, match=r"can read ftp://"):
        download("ftp://models.invalid/x.tar", tmp_path / "x")


def test_registered_opener_reads_its_scheme(registered, tmp_path):
    registered("store", lambda url: io.BytesIO(url.encode()))
    download("store://bucket/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"store://bucket/x"


def test_progress_is_shown_for_long_downloads_only(capsys):
    now = [0.0]
    progress = Progress("weights", 100_000_000, clock=lambda: now[0])
    for second in range(40):
        now[0] = second
        progress.update(second * 1_000_000)
    progress.end(40_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "weights: 2 of 100 MB, 2%, 1.0 MB/s",
        "weights: 17 of 100 MB, 17%, 1.0 MB/s",
        "weights: 32 of 100 MB, 32%, 1.0 MB/s",
        "weights: 40 MB",
    ]
    quick = Progress("small", None, clock=lambda: 0.0)
    quick.update(5)
    quick.end(5)
    assert capsys.readouterr().err == ""


def test_a_token_goes_to_its_server_and_not_where_that_leads(web, tmp_path):
    seen = {}

    def leads_on(handler):
        seen["first"] = handler.headers.get("Authorization")
        handler.send_response(302)
        handler.send_header("Location", f"{web.address}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def elsewhere(handler):
        seen["second"] = handler.headers.get("Authorization")
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    web.answers["/private"], web.answers["/elsewhere"] = leads_on, elsewhere
    download(f"{web.address}/private", tmp_path / "x", token="secret")
    assert seen == {"first": "Bearer secret", "second": None}
