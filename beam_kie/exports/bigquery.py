"""What BigQuery needs to load the tables of a run: a schema for each table, and a script for ``bq``.

Every table gets a column ``run_id``. A run is loaded beside its table first; then one transaction replaces
the rows that the table has of that run, so that loading it again does not double them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

RUN_ID = "run_id"
_STAGING = "beam_kie_load"
_TYPES = {
    "string": "STRING",
    "int32": "INTEGER",
    "int64": "INTEGER",
    "float": "FLOAT",
    "double": "FLOAT",
    "bool": "BOOLEAN",
    "timestamp[us, tz=UTC]": "TIMESTAMP",
    "date32[day]": "DATE",
}
_HEAD = """#!/bin/sh
# Loads run {run_id} into BigQuery: sh load.sh [PROJECT:]DATASET. Loaded again, its rows are replaced.
set -eu
cd "$(dirname "$0")"
DATASET="${{1:?usage: sh load.sh [PROJECT:]DATASET}}"
NAME="$(printf %s "$DATASET" | tr : .)"
"""


def table_schema(schema: pa.Schema) -> list[dict[str, Any]]:
    """The schema of a table in the form that ``bq`` and Google's clients read.

    Args:
        schema: of the table.

    Returns:
        One object for each column, ``run_id`` first. A list is a repeated column: empty, never NULL.

    Raises:
        ValueError: a column has a type that has no counterpart.
    """
    first = {"name": RUN_ID, "type": "STRING", "mode": "REQUIRED", "description": "name of the run"}
    return [first, *(_column(field) for field in schema)]


def _column(field: pa.Field) -> dict[str, Any]:
    is_list = pa.types.is_list(field.type)
    inner = field.type.value_type if is_list else field.type
    kind = _kind_of(inner)
    if kind is None:
        raise ValueError(f"column {field.name} is of type {field.type}, which BigQuery does not have")
    # A column that is added to a table that is there cannot be REQUIRED.
    mode = "REPEATED" if is_list else "NULLABLE" if field.nullable else "REQUIRED"
    meaning = (field.metadata or {}).get(b"description", b"").decode()
    column = {"name": field.name, "type": kind, "mode": mode, "description": meaning}
    if pa.types.is_struct(inner):
        column["fields"] = [_column(inner.field(place)) for place in range(inner.num_fields)]
    return column


def _kind_of(type_: pa.DataType) -> str | None:
    if pa.types.is_struct(type_):
        return "RECORD"
    return "NUMERIC" if pa.types.is_decimal128(type_) else _TYPES.get(str(type_))


def load_script(run_id: str, tables: Mapping[str, tuple[pa.Schema, Sequence[str]]]) -> str:
    """A shell script that loads a run.

    Args:
        run_id: of the run.
        tables: name -> schema, and what ``bq load`` reads: a pattern in a bucket, or local files one by one.
    """
    parts = [_HEAD.format(run_id=run_id)]
    for table, (schema, sources) in tables.items():
        parts.append(_load_table(run_id, table, schema, sources))
    return "\n".join(parts)


def replace_statement(run_id: str, table: str, columns: Sequence[str], dataset: str) -> str:
    """The SQL that puts a run in the place of what a table has of it, from the table that it was loaded to.

    Args:
        run_id: of the run.
        table: name of the table.
        columns: of the table, without ``run_id``.
        dataset: ``DATASET`` or ``PROJECT.DATASET``.
    """
    names = ", ".join(columns)
    return (
        "BEGIN TRANSACTION; "
        f"DELETE FROM {dataset}.{table} WHERE {RUN_ID} = '{run_id}'; "
        f"INSERT INTO {dataset}.{table} ({RUN_ID}, {names}) "
        f"SELECT '{run_id}', {names} FROM {dataset}.{_STAGING}_{table}; "
        "COMMIT TRANSACTION;"
    )


def _load_table(run_id: str, table: str, schema: pa.Schema, sources: Sequence[str]) -> str:
    lines = [
        f'bq mk --force --table --clustering_fields {RUN_ID} "$DATASET.{table}" {table}.json',
        f'bq update "$DATASET.{table}" {table}.json  # adds columns that later versions brought',
    ]
    for number, source in enumerate(sources):
        replace = "--replace" if number == 0 else "--noreplace"
        lines.append(
            f"bq load {replace} --source_format=PARQUET --parquet_enable_list_inference "
            f'"$DATASET.{_STAGING}_{table}" {shlex.quote(source)}'
        )
    statement = replace_statement(run_id, table, schema.names, "$NAME")
    lines += [
        f'bq query --use_legacy_sql=false "{statement}"',
        f'bq rm --force --table "$DATASET.{_STAGING}_{table}"',
    ]
    return "\n".join(lines) + "\n"
