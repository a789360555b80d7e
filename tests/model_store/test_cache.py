import multiprocessing
import time

import pytest

from model_store.cache import ENVIRONMENT, Cache
from model_store.errors import FetchError


def made(cache, text="weights"):
    """A finished model in a temporary folder, published under a reference by the caller."""
    folder = cache.root.parent / f"made-{time.monotonic_ns()}" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text(text)
    return folder


@pytest.fixture
def cache(cache_root):
    return Cache()


def test_the_folder_is_below_that_of_the_users_caches(monkeypatch, tmp_path):
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Cache().root == tmp_path / "beam-kie"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Cache().root == tmp_path / "home" / ".cache" / "beam-kie"


def test_published_model_is_found(cache):
    assert cache.model("a") is None
    folder = cache.publish("a", made(cache), {"address": "0" * 64})
    assert cache.model("a") == folder
    assert (folder / "model.safetensors").read_text() == "weights"
    assert cache.record("a").fetched == {"address": "0" * 64}
    assert [record.reference for record in cache.records()] == ["a"]


def test_same_content_is_kept_once(cache):
    first = cache.publish("a", made(cache), {})
    assert cache.publish("b", made(cache), {}) == first
    other = cache.publish("c", made(cache, "others"), {})
    assert other != first
    assert len(list((cache.root / "models").iterdir())) == 2


def test_damage_is_noticed_and_mended(cache):
    folder = cache.publish("a", made(cache), {})
    (folder / "model.safetensors").write_text("w3ights")  # of the same size
    assert cache.damaged(cache.record("a")) == ["model.safetensors"]
    (folder / "model.safetensors").write_text("wei")
    assert cache.model("a") is None
    assert cache.publish("a", made(cache), {}) == folder
    assert cache.damaged(cache.record("a")) == []
    assert cache.model("a") == folder


def test_damaged_record(cache):
    cache.publish("a", made(cache), {})
    cache.record_path("a").write_text("{")
    with pytest.raises(FetchError, match="remove it and fetch again"):
        cache.record("a")
    assert cache.records() == []


def test_temporary_folder_goes_even_after_an_error_or_a_kill(cache):
    with pytest.raises(RuntimeError), cache.temporary("a") as folder:
        (folder / "x").write_text("x")
        raise RuntimeError
    assert not folder.exists()
    folder.mkdir()
    (folder / "left").write_text("by a killed process")
    with cache.temporary("a") as again:
        assert again == folder
        assert not any(folder.iterdir())


def _hold(root, started, release):
    with Cache(root).lock("a"):
        started.set()
        release.wait(30)


def test_lock_keeps_other_processes_out_and_a_killed_one_lets_go(cache):
    context = multiprocessing.get_context("spawn")
    started, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(cache.root), started, release))
    process.start()
    assert started.wait(60)
    import fcntl

    path = next((cache.root / "locks").iterdir())
    with open(path) as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with cache.lock("b"):
        pass
    process.kill()
    process.join()
    with cache.lock("a"):
        pass
