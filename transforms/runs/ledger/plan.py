"""What there is to read: the finished runs, and which of them the base holds."""

from __future__ import annotations

import json
import logging
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from beam_kie import __version__
from beam_kie.document import DocumentError
from beam_kie.options import values_of
from beam_kie.tables.schema import Provenance
from transforms.config import LIMIT_OPTIONS, JobConfig
from transforms.runs import paths
from transforms.runs.finished_runs import read_summary, unreadable
from transforms.runs.ledger.records import partitions_for
from transforms.storage import files
from transforms.storage.patterns import escape_pattern
from transforms.storage.stored import StoredFile

_LOGGER = logging.getLogger(__name__)

_VERSION = 1
_SUMMARIES_AT_ONCE = 16


class FinishedRun(NamedTuple):
    """A finished run: its table ``documents``, and how it was made.

    ``stamp`` differs between a run and what another of the same name left; ``files`` and ``rows`` count those
    of ``documents``.
    """

    run_id: str
    stamp: str
    files: int
    rows: int
    started_at: str
    finished_at: str
    version: str | None
    provenance: dict[str, Any]
    limits: dict[str, Any]

    @property
    def age(self) -> tuple[str, str, str]:
        """Sorts runs, the newest last, as the views in docs/sql do."""
        return self.started_at, self.finished_at, self.run_id


class EarlierRun(NamedTuple):
    """A finished run that was made like this one: same models, OCR and options.

    Runs sort by age, the newest last. ``fails_alike``: what failed for good then would fail again now.
    """

    started_at: str
    finished_at: str
    run_id: str
    fails_alike: bool


class BaseFile(NamedTuple):
    """A file of the base, by its name in the base's folder; ``crc`` is the CRC-32 of its bytes."""

    name: str
    rows: int
    size: int
    crc: int


@dataclass(frozen=True, slots=True)
class Base:
    """The compacted part: one file for each partition.

    ``superseding`` are runs whose records took the place of records of other runs: should one of these runs
    be deleted, the base lacks what it replaced.
    """

    generation: str
    files: tuple[BaseFile, ...]
    runs: tuple[FinishedRun, ...]
    superseding: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Records in all files."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to read: ``runs`` by id, ``in_base`` those whose records the base has.

    ``partitions`` is how the files of the input are divided: as the base is, where there is one.
    ``generation`` names the base that there was before, also where it cannot be used.
    """

    output: str
    runs: Mapping[str, FinishedRun]
    in_base: frozenset[str]
    base: Base | None
    partitions: int
    generation: str | None = None

    @property
    def others(self) -> list[FinishedRun]:
        """Runs that are not in the base."""
        return [run for run in self.runs.values() if run.run_id not in self.in_base]


def make_plan(output: str, running: str | None, timeout_s: float) -> Plan:
    """Find out what there is, with few requests: two listings, the manifest, and summaries of recent runs.

    Args:
        output: the output folder, a local path or URI.
        running: id of the run that is left out, or None.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: a summary is damaged.
        StorageError: the storage does not answer.
    """
    written = read_manifest(output, timeout_s)
    found = {run: (path, stamp) for run, path, stamp in _summaries(output, timeout_s) if run != running}
    counts = _document_files(output, timeout_s)
    base = written if written is not None and _is_there(output, written, timeout_s) else None
    known = {
        run.run_id: run
        for run in (base.runs if base else ())
        if run.run_id in found and (run.stamp, run.files) == (found[run.run_id][1], counts[run.run_id])
    }
    if base is not None and any(run_id not in known for run_id in base.superseding):
        _LOGGER.info("the ledger is made anew: a run was deleted that had taken the place of others")
        base, known = None, {}
    read = _read_runs({run: place for run, place in found.items() if run not in known}, counts, timeout_s)
    runs = {**known, **read}
    return Plan(
        output=output,
        runs=runs,
        in_base=frozenset(known),
        base=base,
        partitions=len(base.files) if base else partitions_for(sum(run.rows for run in runs.values())),
        generation=written.generation if written else None,
    )


def made_alike(run: FinishedRun, config: JobConfig, provenance: Provenance) -> EarlierRun | None:
    """The run, if its models, OCR and options are those of this run.

    Args:
        run: a finished one.
        config: the job.
        provenance: names and revisions of OCR and model, for every row.
    """
    if run.provenance != asdict(provenance):
        return None
    values = values_of(config)
    # A newer version of the program may read what this one could not.
    fails_alike = run.version == __version__ and run.limits == {name: values[name] for name in LIMIT_OPTIONS}
    return EarlierRun(run.started_at, run.finished_at, run.run_id, fails_alike)


def document_files(run: FinishedRun, output: str, timeout_s: float) -> Iterator[tuple[str, str]]:
    """The files of a run's table ``documents``: the run's id and the path of each.

    Args:
        run: a finished one.
        output: the output folder, a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    pattern = f"{paths.table_folder(escape_pattern(output), 'documents', run.run_id)}/*.parquet"
    return ((run.run_id, file.uri) for file in files.match(pattern, timeout_s=timeout_s))


# ---------------------------------------------------------------- manifest


def read_manifest(output: str, timeout_s: float) -> Base | None:
    """The base that the manifest names; None where there is none, or it is damaged.

    Args:
        output: the output folder, a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    path = paths.ledger_manifest_path(output)
    if not files.exists(path, timeout_s):
        return None
    try:
        written = json.loads(files.read_bytes(path, timeout_s=timeout_s))
        known = written["base"]
        if written["ledger_version"] != _VERSION or written["crc"] != _crc(known):
            raise ValueError("it is damaged, or of another version")
        return Base(
            str(known["generation"]),
            tuple(BaseFile(*file) for file in known["files"]),
            tuple(FinishedRun(*run) for run in known["runs"]),
            tuple(known["superseding"]),
        )
    except (DocumentError, ValueError, KeyError, TypeError, RecursionError) as error:
        _LOGGER.warning("%s cannot be used, the tables are read instead: %s", path, error)
        return None


def write_manifest(output: str, base: Base, timeout_s: float) -> str:
    """Make a base the one that readers use, in one step.

    Args:
        output: the output folder, a local path or URI.
        base: all of its files are written.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Returns:
        The path of the manifest.
    """
    known = {
        "generation": base.generation,
        "files": base.files,
        "runs": base.runs,
        "superseding": base.superseding,
    }
    path = paths.ledger_manifest_path(output)
    written = {"ledger_version": _VERSION, "crc": _crc(known), "base": known}
    files.write_bytes(path, json.dumps(written).encode(), timeout_s)
    return path


def _crc(known: Any) -> int:
    return zlib.crc32(json.dumps(known, sort_keys=True).encode())


def _is_there(output: str, base: Base, timeout_s: float) -> bool:
    """Whether all files of a base are there, with their sizes."""
    folder = paths.ledger_base_folder(output, base.generation)
    found = {
        file.uri.rpartition("/")[2]: file.size_bytes
        for file in files.match(f"{escape_pattern(folder)}/*.parquet", timeout_s=timeout_s)
    }
    if base.files and all(found.get(file.name) == file.size for file in base.files):
        return True
    _LOGGER.warning("%s lacks files of the ledger, the tables are read instead", folder)
    return False


# ---------------------------------------------------------------- runs


def _summaries(output: str, timeout_s: float) -> Iterator[tuple[str, str, str]]:
    pattern = paths.summary_path(escape_pattern(output), "*")
    for file in files.match(pattern, timeout_s=timeout_s):
        yield paths.run_id_of(file.uri), file.uri, _stamp(file)


def _stamp(file: StoredFile) -> str:
    return file.source_version or f"{file.size_bytes}-{file.updated_at_s}"


def _document_files(output: str, timeout_s: float) -> Counter[str]:
    pattern = f"{paths.table_folder(escape_pattern(output), 'documents', '*')}/*.parquet"
    return Counter(paths.run_id_of(file.uri) for file in files.match(pattern, timeout_s=timeout_s))


def _read_runs(
    places: Mapping[str, tuple[str, str]], counts: Counter[str], timeout_s: float
) -> dict[str, FinishedRun]:
    def read(place: tuple[str, tuple[str, str]]) -> FinishedRun:
        run_id, (path, stamp) = place
        return _run_of(read_summary(path, timeout_s), path, stamp, counts[run_id])

    with ThreadPoolExecutor(_SUMMARIES_AT_ONCE) as pool:
        return {run.run_id: run for run in pool.map(read, sorted(places.items()))}


def _run_of(summary: Mapping[str, Any], path: str, stamp: str, count: int) -> FinishedRun:
    options = summary.get("options")
    texts = (summary.get("started_at"), summary.get("finished_at"), summary.get("beam_kie_version"))
    if not isinstance(options, dict) or not all(isinstance(text, str) for text in texts):
        raise unreadable(path, "it lacks what summaries hold")
    started_at, finished_at, version = map(str, texts)
    provenance = summary.get("provenance")
    return FinishedRun(
        run_id=paths.run_id_of(path),
        stamp=stamp,
        files=count,
        rows=_rows_of(summary),
        started_at=started_at,
        finished_at=finished_at,
        version=version,
        provenance=provenance if isinstance(provenance, dict) else {},
        limits={name: options.get(name) for name in LIMIT_OPTIONS},
    )


def _rows_of(summary: Mapping[str, Any]) -> int:
    try:
        return int(summary["tables"]["documents"]["rows"])
    except (KeyError, TypeError, ValueError):
        return 0
