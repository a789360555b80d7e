import json
import re

import pytest

import model_store
from model_store import ModelNotFoundError, references, resolve
from tests.small_networks import save_model, small_network


def test_folder_stands_for_itself(tmp_path):
    folder = save_model(tmp_path / "m:odel", small_network())
    assert resolve(str(folder)) == folder


def test_bundled(tmp_path, monkeypatch):
    monkeypatch.setattr(references, "BUNDLED", save_model(tmp_path / "bundled", small_network()))
    assert resolve("bundled") == tmp_path / "bundled"
    assert model_store.BUNDLED.parent.name == "model_store"


def test_a_bundled_model_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(references, "BUNDLED", tmp_path / "bundled")
    with pytest.raises(ModelNotFoundError, match=re.escape(str(tmp_path / "bundled"))):
        resolve("bundled")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("no/such/folder", "a reference is"),
        ("ftp://host/x.tar", "a reference is"),
        ("https://host/model", "must be that of a .tar archive"),
        ("https://host/x.tar#sha256=12", "64 hex digits"),
        ("gs://bucket/folder#sha256=" + "0" * 64, "only an archive"),
        ("hf:name", "owner/name@revision"),
        ("hf:../x@main", "owner/name@revision"),
        ("paddle:other", "known are paddle:ser_LayoutXLM_xfun_zh"),
    ],
)
def test_references_that_lead_nowhere(reference, message, cache_root):
    with pytest.raises(ModelNotFoundError, match=message):
        resolve(reference)
    assert not cache_root.exists()


@pytest.mark.parametrize("name", ["model_state.pdparams", "pytorch_model.bin"])
def test_folder_of_another_format_is_refused_with_how_to_import_it(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelNotFoundError, match="python -m model_store import"):
        resolve(str(tmp_path))
    (tmp_path / name).unlink()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "layoutlmv2"}))
    with pytest.raises(ModelNotFoundError, match="python -m model_store import"):
        resolve(str(tmp_path))


@pytest.mark.parametrize(
    "reference",
    ["https://host/x.tar", "hf:owner/name@main", "paddle:ser_LayoutXLM_xfun_zh", "http://127.0.0.1:1/x.tar"],
)
def test_nothing_is_fetched_unasked(reference, cache_root):
    with pytest.raises(ModelNotFoundError, match=f"python -m model_store fetch {reference}"):
        resolve(reference)
    assert not cache_root.exists()


@pytest.mark.parametrize(
    ("reference", "name", "address"),
    [
        ("https://host/a/x.tar.gz", "x", "https://host/a/x.tar.gz"),
        ("hf:owner/na.me@refs/pr/1", "na.me", "https://huggingface.co/owner/na.me/resolve/refs%2Fpr%2F1"),
        ("hf:owner/na.me@abc", "na.me", "https://huggingface.co/owner/na.me/resolve/abc"),
        ("hf:owner/name", "name", "https://huggingface.co/owner/name/resolve/main"),
        ("gs://bucket/models/mine/", "mine", "gs://bucket/models/mine"),
        (
            "paddle:re_LayoutXLM_xfun_zh",
            "re_LayoutXLM_xfun_zh",
            "https://paddleocr.bj.bcebos.com/pplayout/re_LayoutXLM_xfun_zh.tar",
        ),
    ],
)
def test_where_references_lead(reference, name, address, monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    remote = references.parse(reference)
    assert (remote.name, remote.address) == (name, address)
    assert remote.archive == address.endswith((".tar", ".gz"))


def test_manifest_is_complete():
    facts = references.manifest()
    assert len(facts["tokenizer"]["sha256"]) == 64
    for name, model in facts["paddle"].items():
        assert model["url"].startswith("https://paddleocr.bj.bcebos.com/")
        assert model["url"].endswith(f"/{name}.tar")
        assert model["task"].startswith(("SER", "RE"))
