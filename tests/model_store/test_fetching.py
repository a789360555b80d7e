import hashlib
import json
import multiprocessing
import shutil
import tarfile

import pytest
import torch

from beam_kie.layoutxlm.model import KieModel
from model_store import FetchError, ModelNotFoundError, SourceError, resolve
from tests.model_store.conftest import HUGGING_FACE_CONFIG
from tests.small_networks import save_model, small_network


def tar_folder(folder, path, name="inner"):
    with tarfile.open(path, "w") as tar:
        tar.add(folder, name)
    return path


@pytest.fixture
def archive(web, hugging_face_folder):
    """The address of an archive of a checkpoint without a tokenizer."""
    (hugging_face_folder / "sentencepiece.bpe.model").unlink()
    tar_folder(hugging_face_folder, web.folder / "ser_test.tar")
    return f"{web.address}/ser_test.tar"


def is_clean(cache_root):
    """Whether a failed fetch left no model and no half of one."""
    models, temporary = cache_root / "models", cache_root / "temporary"
    return not (models.is_dir() and any(models.iterdir())) and not any(temporary.iterdir())


def test_archive_is_fetched_once_and_then_found_offline(archive, web, manifest, cache_root):
    folder = resolve(archive, allow_fetch=True)
    assert KieModel.load(folder, device="cpu").name == "ser_test"
    assert web.requests == ["/ser_test.tar", "/spm.model"]
    assert f"- Source: {archive}\n" in (folder / "model_card.md").read_text()
    assert resolve(archive) == resolve(archive, allow_fetch=True) == folder
    assert len(web.requests) == 2
    assert not any((cache_root / "temporary").iterdir())


def test_paddle_name_leads_to_the_manifests_address(archive, manifest, cache_root):
    folder = resolve("paddle:ser_test", allow_fetch=True)
    assert folder.parent == cache_root / "models"
    assert resolve("paddle:ser_test") == folder


def test_pinned_checksum(archive, web, manifest, cache_root):
    with pytest.raises(FetchError, match="not the file that it should be"):
        resolve(f"{archive}#sha256={'0' * 64}", allow_fetch=True)
    assert is_clean(cache_root)
    checksum = hashlib.sha256((web.folder / "ser_test.tar").read_bytes()).hexdigest()
    assert resolve(f"{archive}#sha256={checksum}", allow_fetch=True).is_dir()


def test_signatures_in_addresses_are_neither_recorded_nor_shown(archive, web, manifest, cache_root):
    with pytest.raises(ModelNotFoundError) as caught:
        resolve(f"{web.address}/none.tar?signature=secret", allow_fetch=True)
    assert "secret" not in str(caught.value)
    web.answers["/ser_test.tar?signature=secret"] = lambda handler: _send(
        handler, web.folder / "ser_test.tar"
    )
    folder = resolve(f"{archive}?signature=secret", allow_fetch=True)
    assert resolve(f"{archive}?signature=another") == folder == resolve(archive)
    records = [path.read_text() for path in (cache_root / "records").iterdir()]
    assert not any("secret" in text for text in (*records, (folder / "model_card.md").read_text()))


def _send(handler, path):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(path.read_bytes())


def test_checksum_of_first_use_is_checked_after(archive, web, manifest, cache_root):
    folder = resolve(archive, allow_fetch=True)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(folder)
    assert resolve(archive, allow_fetch=True) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    shutil.rmtree(folder)
    with tarfile.open(web.folder / "ser_test.tar", "a") as tar:
        tar.add(web.folder / "spm.model", "inner/new")
    with pytest.raises(FetchError, match="changed since it was first fetched"):
        resolve(archive, allow_fetch=True)
    assert is_clean(cache_root)


def test_what_cannot_be_used_leaves_nothing(archive, web, manifest, cache_root):
    path = web.folder / "ser_test.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="cut off"):
        resolve(archive, allow_fetch=True)
    assert is_clean(cache_root)
    path.unlink()
    with pytest.raises(ModelNotFoundError, match="nothing is at"):
        resolve(archive, allow_fetch=True)
    assert is_clean(cache_root)
    path.write_bytes(whole)
    assert resolve(archive, allow_fetch=True).is_dir()  # the failures were not recorded


@pytest.mark.parametrize("kind", ["model.safetensors", "pytorch_model.bin", "parts"])
def test_hugging_face_repository(web, hugging_face_folder, cache_root, monkeypatch, kind):
    monkeypatch.setenv("HF_ENDPOINT", web.address)
    repository = web.folder / "owner" / "name" / "resolve" / "abc"
    shutil.copytree(hugging_face_folder, repository)
    if kind != "model.safetensors":
        from safetensors.torch import load_file

        tensors = load_file(repository / "model.safetensors")
        (repository / "model.safetensors").unlink()
        part = "one.bin" if kind == "parts" else kind
        torch.save(tensors, repository / part)
        if kind == "parts":
            index = {"weight_map": dict.fromkeys(tensors, part)}
            (repository / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    folder = resolve("hf:owner/name@abc", allow_fetch=True)
    model = KieModel.load(folder, device="cpu")
    assert (model.name, model.config.tokenising.special_tokens) == ("name", "hf")
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        resolve("hf:owner/name@other", allow_fetch=True)


def test_storage_is_read_through_its_opener_without_asking(tmp_path, cache_root, registered):
    save_model(tmp_path / "bucket" / "mine", small_network())
    tar_folder(tmp_path / "bucket" / "mine", tmp_path / "bucket" / "mine.tar")
    with pytest.raises(FetchError, match="nothing here can read gs://"):
        resolve("gs://bucket/mine")
    opened = []

    def opener(address):
        opened.append(address)
        return open(tmp_path / address.removeprefix("gs://"), "rb")

    registered("gs", opener)
    folder = resolve("gs://bucket/mine/")
    assert (folder / "tokenizer.json").is_file()
    assert resolve("gs://bucket/mine.tar") == folder  # of the same content
    count = len(opened)
    assert resolve("gs://bucket/mine") == folder
    assert len(opened) == count
    with pytest.raises(ModelNotFoundError, match=r"no config\.json at gs://bucket/none"):
        resolve("gs://bucket/none")


def _resolve(reference, found):
    found.put(str(resolve(reference, allow_fetch=True)))


def test_two_workers_fetch_once(web, tmp_path, cache_root):
    tar_folder(save_model(tmp_path / "ours", small_network()), web.folder / "ours.tar")
    reference = f"{web.address}/ours.tar"
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    workers = [context.Process(target=_resolve, args=(reference, found)) for _ in range(2)]
    for worker in workers:
        worker.start()
    folders = {found.get(timeout=120) for _ in workers}
    for worker in workers:
        worker.join()
    assert len(folders) == 1
    assert web.requests == ["/ours.tar"]


def test_classes_can_be_named_for_a_repository_that_does_not(
    web, hugging_face_folder, cache_root, monkeypatch
):
    monkeypatch.setenv("HF_ENDPOINT", web.address)
    repository = web.folder / "owner" / "name" / "resolve" / "main"
    shutil.copytree(hugging_face_folder, repository)
    nameless = {**HUGGING_FACE_CONFIG, "id2label": {str(i): f"LABEL_{i}" for i in range(7)}}
    (repository / "config.json").write_text(json.dumps(nameless))
    with pytest.raises(SourceError, match="does not name its classes"):
        resolve("hf:owner/name", allow_fetch=True)


def test_the_hub_is_asked_with_the_users_token(monkeypatch, web, hugging_face_folder, cache_root):
    shutil.copytree(hugging_face_folder, web.folder / "owner" / "mine" / "resolve" / "main")
    monkeypatch.setenv("HF_ENDPOINT", web.address)

    def gated(handler):
        if handler.headers.get("Authorization") == "Bearer mine":
            data = (hugging_face_folder / "config.json").read_bytes()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        else:
            handler.send_error(401)

    web.answers["/owner/mine/resolve/main/config.json"] = gated
    monkeypatch.setenv("HF_TOKEN", "another")
    with pytest.raises(FetchError, match="HF_TOKEN"):
        resolve("hf:owner/mine", allow_fetch=True)
    monkeypatch.setenv("HF_TOKEN", "mine")
    assert KieModel.load(resolve("hf:owner/mine", allow_fetch=True), device="cpu").name == "mine"
