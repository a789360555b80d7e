"""Reads one partition of the base; where its file is damaged, the tables that it was made of."""

from __future__ import annotations

import logging
import zlib

import pyarrow as pa
import pyarrow.compute as pc

from beam_kie.document import DocumentError
from transforms.runs import paths
from transforms.runs.ledger.plan import BaseFile, Plan, document_files
from transforms.runs.ledger.records import RECORDS, by_partition, from_parquet, read_records
from transforms.storage import files

_LOGGER = logging.getLogger(__name__)


def read_partition(plan: Plan, number: int, count: int, timeout_s: float) -> pa.Table:
    """The records of the base in one partition, without those of runs that are gone.

    Args:
        plan: what there is to read.
        number: of the partition, from 0.
        count: of partitions, a power of two, at least that of the base.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        UnreadableRunError: the file is damaged, and so is a table that it was made of.
    """
    if plan.base is None or not plan.in_base:
        return RECORDS.empty_table()
    file = plan.base.files[number % len(plan.base.files)]
    records = _read(plan, file, timeout_s)
    if records is None:
        return _from_tables(plan, number, count, timeout_s)
    records = records.filter(pc.field("run_id").isin(sorted(plan.in_base)))
    if count != len(plan.base.files):
        records = dict(by_partition(records, count)).get(number, RECORDS.empty_table())
    return records


def _read(plan: Plan, file: BaseFile, timeout_s: float) -> pa.Table | None:
    assert plan.base is not None
    path = f"{paths.ledger_base_folder(plan.output, plan.base.generation)}/{file.name}"
    try:
        data = files.read_bytes(path, timeout_s=timeout_s)
        if zlib.crc32(data) != file.crc:
            raise ValueError("its bytes are others")
        return from_parquet(data)
    except (DocumentError, pa.ArrowException, OSError, ValueError) as error:
        _LOGGER.warning("%s cannot be used, the tables are read instead: %s", path, error)
        return None


def _from_tables(plan: Plan, number: int, count: int, timeout_s: float) -> pa.Table:
    found = [RECORDS.empty_table()]
    for run_id in sorted(plan.in_base):
        for _, path in document_files(plan.runs[run_id], plan.output, timeout_s):
            for records in read_records(path, run_id, timeout_s):
                found += [part for partition, part in by_partition(records, count) if partition == number]
    return pa.concat_tables(found)
