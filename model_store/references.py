"""Model references, and the folders that they lead to."""

from __future__ import annotations

import json
import os
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from model_store.archives import is_archive
from model_store.downloads import has_opener, without_query
from model_store.errors import ModelNotFoundError

BUNDLED = Path(__file__).parent / "bundled"
BUNDLED_FREE = Path(__file__).parent / "bundled_free"
MANIFEST = Path(__file__).parent / "manifest.json"
HUB = "https://huggingface.co"
KINDS = (
    '"bundled", "bundled-free", a folder, gs://..., https://....tar, hf:owner/name@revision or paddle:NAME'
)
_HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FOREIGN = ("model_state.pdparams", "inference.pdiparams", "pytorch_model.bin")


@dataclass(frozen=True)
class Remote:
    """A model that is elsewhere: a tar archive, or a folder of files at ``address`` + "/" + name.

    ``reference`` is its name in the cache; ``sha256`` is what the archive must have (None: not known
    beforehand). ``users_own``: storage that the job reads and writes anyway.
    """

    reference: str
    address: str
    archive: bool
    sha256: str | None = None
    users_own: bool = False

    @property
    def name(self) -> str:
        """A short name for the model."""
        last = re.split(r"[/:]", self.reference.partition("@")[0].rstrip("/"))[-1]
        return re.sub(r"\.(tar|tgz|tar\.\w+)$", "", last) or "model"


def resolve(reference: str, allow_fetch: bool = False) -> Path:
    """The folder of a model, with ``config.json`` in it.

    What a reference to elsewhere leads to comes from the cache. It is fetched into it only with
    ``allow_fetch``, except for ``gs://``.

    Args:
        reference: "bundled", "bundled-free", a folder, ``gs://…`` (a folder or .tar), ``https://….tar``
            (optionally with ``#sha256=…``), ``hf:owner/name@revision`` or ``paddle:NAME`` (manifest.json).
        allow_fetch: whether a model may be downloaded.

    Raises:
        ModelNotFoundError: there is no such model, or it was not fetched yet.
        FetchError: it cannot be downloaded.
        SourceError: what was downloaded is not a model.
    """
    remote = parse(reference)
    if remote is None:
        return _local(reference)
    from model_store.cache import Cache

    cache = Cache()
    folder = cache.model(remote.reference)
    if folder is not None:
        return folder
    if not allow_fetch and not remote.users_own:
        raise ModelNotFoundError(
            f"model {reference!r} is not in the cache {cache.root}, and nothing is fetched unasked; "
            f"fetch it once with: python -m model_store fetch {reference}"
        )
    from model_store.fetching import fetch  # brings in torch

    return fetch(remote, cache)


def parse(reference: str) -> Remote | None:
    """What a reference names; None where it is a folder of this machine or "bundled".

    Args:
        reference: as of ``resolve``.

    Raises:
        ModelNotFoundError: it is no reference.
    """
    scheme, separator, rest = reference.partition(":")
    storage = scheme == "gs" or has_opener(scheme)
    if not separator or not (storage or scheme in ("https", "http", "hf", "paddle")):
        if "://" in reference:
            raise ModelNotFoundError(f"model {reference!r}: a reference is {KINDS}")
        return None
    if scheme == "hf":
        return _hub(reference, rest)
    if scheme == "paddle":
        return _paddle(reference, rest)
    address, _, fragment = reference.partition("#")
    checksum = fragment.removeprefix("sha256=").lower() or None
    if checksum and not _SHA256.fullmatch(checksum):
        raise ModelNotFoundError(f"model {reference!r}: after # stands sha256= and 64 hex digits")
    archive = is_archive(urllib.parse.urlsplit(address).path)
    if not storage and not archive:
        raise ModelNotFoundError(f"model {reference!r}: an address must be that of a .tar archive")
    if checksum and not archive:
        raise ModelNotFoundError(f"model {reference!r}: only an archive has one checksum")
    # Signed addresses differ each time, and their signatures are secrets.
    reference = without_query(address).rstrip("/")
    return Remote(reference, address.rstrip("/"), archive, checksum, users_own=storage)


def bundled() -> dict[str, Path]:
    """The models that are part of this project, by their references; a folder may be missing."""
    return {"bundled": BUNDLED, "bundled-free": BUNDLED_FREE}


def manifest() -> dict:
    """Public models by their names, and the tokenizer of those that come without one."""
    return json.loads(MANIFEST.read_text("utf-8"))


def _hub(reference: str, rest: str) -> Remote:
    name, _, revision = rest.partition("@")
    if not _HUB_NAME.fullmatch(name):
        raise ModelNotFoundError(f"model {reference!r}: write hf:owner/name@revision")
    revision = revision or "main"
    hub = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    address = f"{hub}/{name}/resolve/{urllib.parse.quote(revision, safe='')}"
    return Remote(f"hf:{name}@{revision}", address, archive=False)


def _paddle(reference: str, name: str) -> Remote:
    known = manifest()["paddle"]
    if name not in known:
        raise ModelNotFoundError(f"model {reference!r}: known are paddle:{', paddle:'.join(known)}")
    return Remote(reference, known[name]["url"], archive=True, sha256=known[name].get("sha256"))


def _local(reference: str) -> Path:
    part = bundled().get(reference)
    folder = Path(reference) if part is None else part
    if part is not None and not (part / "config.json").is_file():
        raise ModelNotFoundError(
            f"model {reference!r} is not in this copy of the project: {part} is missing; "
            "docs/training.md says how to train it"
        )
    if _is_foreign(folder):
        raise ModelNotFoundError(
            f"model {reference!r}: a checkpoint of another format; convert it with: "
            f"python -m model_store import {reference} DEST"
        )
    if not (folder / "config.json").is_file():
        raise ModelNotFoundError(f"model {reference!r}: no config.json in {folder}; a reference is {KINDS}")
    return folder


def _is_foreign(folder: Path) -> bool:
    if any((folder / name).is_file() for name in _FOREIGN):
        return True
    try:
        return "model_type" in json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError, TypeError, RecursionError):
        return False
