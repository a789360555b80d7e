"""Fetches models into the cache: downloaded, checked, converted, then published in one step."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import huggingface_hub

from beam_kie.layoutxlm.inputs.tokenizer import SENTENCEPIECE_FILE, TOKENIZER_FILE
from model_store import hugging_face
from model_store.cache import Cache
from model_store.downloads import download, has_opener, without_query
from model_store.errors import FetchError, ModelNotFoundError
from model_store.importing import CONFIG, PADDLE_WEIGHTS, ImportOptions, import_model
from model_store.model_card import MODEL_CARD
from model_store.references import Remote, manifest

_PADDLE_CONFIG = "model_config.json"


def fetch(remote: Remote, cache: Cache, options: ImportOptions | None = None) -> Path:
    """The model's folder in the cache, fetched unless it is there already.

    Known checksums (of the reference, of the manifest, of an earlier fetch) must match; others are recorded.
    After an error the cache is as it was before.

    Args:
        remote: where the model is.
        cache: where it goes.
        options: what the model's files do not say.

    Raises:
        ModelNotFoundError: where nothing is at the address.
        FetchError: where a download fails, or is not what it was or should be.
        SourceError: where what was fetched is no model.
    """
    with cache.lock(remote.reference):
        folder = cache.model(remote.reference)  # another process may have been first
        if folder is not None:
            return folder
        with cache.temporary(remote.reference) as temporary:
            visit = _Visit(remote, cache, temporary)
            source = visit.fetch_all()
            options = options or ImportOptions()
            options = dataclasses.replace(
                options,
                name=options.name or remote.name,
                source=remote.reference,
                find_tokenizer=visit.fetch_tokenizer,
            )
            made = import_model(source, temporary / "model", options)
            return cache.publish(remote.reference, made, visit.fetched)


class _Visit:
    """One fetch of one model; ``fetched`` becomes its record."""

    def __init__(self, remote: Remote, cache: Cache, temporary: Path):
        self.remote, self.temporary = remote, temporary
        self.record_path = cache.record_path(remote.reference)
        record = cache.record(remote.reference)
        self.known = dict(record.fetched) if record is not None else {}
        self.fetched: dict[str, str] = {}
        # HF_TOKEN, or what "hf auth login" stored: the Hub's private and gated models ask for it.
        self.token = huggingface_hub.get_token() if remote.reference.startswith("hf:") else None

    def fetch_all(self) -> Path:
        """Fetches an archive, or the files of a folder, and returns it."""
        scheme = self.remote.address.partition(":")[0]
        if scheme not in ("http", "https") and not has_opener(scheme):
            raise FetchError(f"{self.remote.reference}: nothing here can read {scheme}:// addresses")
        if self.remote.archive:
            target = self.temporary / self.remote.address.rpartition("/")[2].partition("?")[0]
            if not self._get(self.remote.address, target, self.remote.sha256):
                raise ModelNotFoundError(
                    f"{self.remote.reference}: nothing is at {without_query(self.remote.address)}"
                )
            return target
        folder = self.temporary / self.remote.name
        folder.mkdir()
        self._fetch_folder(folder)
        return folder

    def fetch_tokenizer(self) -> Path:
        """XLM-R's tokenizer, for archives that lack it: all published LayoutXLM weights use this one."""
        facts, target = manifest()["tokenizer"], self.temporary / SENTENCEPIECE_FILE
        if not self._get(facts["url"], target, facts.get("sha256")):
            raise ModelNotFoundError(f"nothing is at {facts['url']}; give a tokenizer with --tokenizer FILE")
        return target

    def _fetch_folder(self, folder: Path) -> None:
        found = [name for name in (CONFIG, _PADDLE_CONFIG) if self._get_into(folder, name)]
        weights = next(
            (name for name in (*hugging_face.WEIGHTS, PADDLE_WEIGHTS) if self._get_into(folder, name)), None
        )
        if not found or weights is None:
            raise ModelNotFoundError(
                f"{self.remote.reference}: no {CONFIG if not found else 'weights'} at {self.remote.address}"
            )
        if weights in hugging_face.INDEXES:
            for name in hugging_face.part_names(folder / weights):
                if not self._get_into(folder, name):
                    raise ModelNotFoundError(
                        f"{self.remote.reference}: a part of the weights, {name}, is missing"
                    )
        if not self._get_into(folder, SENTENCEPIECE_FILE):
            self._get_into(folder, TOKENIZER_FILE)
        self._get_into(folder, MODEL_CARD)

    def _get_into(self, folder: Path, name: str) -> bool:
        return self._get(f"{self.remote.address}/{name}", folder / name, token=self.token)

    def _get(self, url: str, target: Path, sha256: str | None = None, token: str | None = None) -> bool:
        """Whether there was something to fetch."""
        try:
            found = download(url, target, sha256, token)
        except FileNotFoundError:
            return False
        except FetchError as error:
            if self.remote.reference.startswith("hf:") and re.search(r" answers 40[13] ", str(error)):
                raise FetchError(f"{error}; for a private or gated model set HF_TOKEN") from error
            raise
        url = without_query(url)
        before = self.known.get(url)
        if before is not None and before != found.sha256:
            raise FetchError(
                f"{url} changed since it was first fetched: its SHA-256 was {before} and is now "
                f"{found.sha256}; if that is right, remove {self.record_path} and fetch again"
            )
        self.fetched[url] = found.sha256
        return True
