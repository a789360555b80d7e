"""The cache of models: one folder each, named by the hash of its content.

Beside them a record for every reference: the checksums of the files that were fetched and of those that were
made of them. Records outlive their models, so that a file that changed at its address is noticed at the next
fetch.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from model_store.errors import FetchError
from model_store.model_card import sha256

ENVIRONMENT = "BEAM_KIE_CACHE"


@dataclass(frozen=True)
class Record:
    """The record of a reference. ``fetched``: SHA-256 by address; ``model``: the name of its folder;
    ``made``: [SHA-256, size] of that folder's files."""

    reference: str
    fetched: Mapping[str, str]
    model: str
    made: Mapping[str, tuple[str, int]] = field(default_factory=dict)


class Cache:
    """The folder of fetched models, with a record of each reference.

    Args:
        root: the folder; None: ``$BEAM_KIE_CACHE``, or ``beam-kie`` below ``$XDG_CACHE_HOME``, which is
            ``~/.cache`` if it is not set.
    """

    def __init__(self, root: str | Path | None = None):
        home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        chosen = root or os.environ.get(ENVIRONMENT) or home / "beam-kie"
        self.root = Path(chosen).expanduser()

    def record(self, reference: str) -> Record | None:
        """The record of a reference; None where it was never fetched.

        Args:
            reference: of a model, as the user wrote it.

        Raises:
            FetchError: the record is damaged.
        """
        path = self.record_path(reference)
        try:
            return Record(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise FetchError(f"{path}: damaged; remove it and fetch again") from error

    def records(self) -> list[Record]:
        """All records, by reference. Damaged ones are left out."""
        found = []
        for path in (self.root / "records").glob("*.json"):
            with contextlib.suppress(OSError, ValueError, TypeError):
                found.append(Record(**json.loads(path.read_text("utf-8"))))
        return sorted(found, key=lambda record: record.reference)

    def model(self, reference: str) -> Path | None:
        """The folder of a reference's model; None where it was never fetched, or a file's size has changed.

        Args:
            reference: of a model, as the user wrote it.

        Raises:
            FetchError: the record is damaged.
        """
        record = self.record(reference)
        if record is None:
            return None
        folder = self.folder(record)
        return folder if _is_whole(folder, record) else None

    def folder(self, record: Record) -> Path:
        """The path of the model of a record, whether or not it exists.

        Args:
            record: of a fetched model.
        """
        return self.root / "models" / record.model

    def damaged(self, record: Record) -> list[str]:
        """The names of a model's files that are missing or whose checksums have changed.

        Args:
            record: of a fetched model.
        """
        folder = self.folder(record)
        return [
            name
            for name, (checksum, _) in sorted(record.made.items())
            if not (folder / name).is_file() or sha256(folder / name) != checksum
        ]

    @contextlib.contextmanager
    def lock(self, reference: str) -> Iterator[None]:
        """Holds the reference's lock: one process of a machine at a time fetches it, others wait.

        Args:
            reference: of a model, as the user wrote it.
        """
        path = self.root / "locks" / f"{_key(reference)}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, even by a crash
            yield

    @contextlib.contextmanager
    def temporary(self, reference: str) -> Iterator[Path]:
        """An empty folder on the cache's disk, removed at the end.

        The reference's lock must be held: what a killed process left there is removed first.

        Args:
            reference: of a model, as the user wrote it.
        """
        folder = self.root / "temporary" / _key(reference)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, reference: str, made: Path, fetched: Mapping[str, str]) -> Path:
        """Makes a finished model the one that a reference leads to.

        Args:
            reference: of a model, as the user wrote it.
            made: its folder, on the cache's disk; it is moved.
            fetched: where it came from, by what: addresses, revisions, checksums.

        Returns:
            The model's folder in the cache.
        """
        files = {path.name: (sha256(path), path.stat().st_size) for path in sorted(made.iterdir())}
        listing = "".join(f"{checksum}  {name}\n" for name, (checksum, _) in files.items())
        name = hashlib.sha256(listing.encode()).hexdigest()[:32]
        record = Record(reference, dict(fetched), name, files)
        folder = self.folder(record)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and not _is_whole(folder, record):
            folder.rename(made.parent / "damaged")
        try:
            made.rename(folder)
        except OSError:  # another reference led to the same model
            if not _is_whole(folder, record):
                raise
        self._write(record, made.parent)
        return folder

    def record_path(self, reference: str) -> Path:
        """The file of a reference's record.

        Args:
            reference: of a model, as the user wrote it.
        """
        return self.root / "records" / f"{_key(reference)}.json"

    def _write(self, record: Record, temporary: Path) -> None:
        path = self.record_path(record.reference)
        path.parent.mkdir(parents=True, exist_ok=True)
        written = temporary / path.name
        written.write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")
        written.replace(path)


def _key(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()[:24]


def _is_whole(folder: Path, record: Record) -> bool:
    return bool(record.made) and all(
        (folder / name).is_file() and (folder / name).stat().st_size == size
        for name, (_, size) in record.made.items()
    )
