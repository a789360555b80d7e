"""Views of DuckDB over the tables of an output folder: one run, all finished runs, and the newest rows.

The views read the Parquet files where they are. ``latest`` is the same as in docs/sql/latest_duckdb.sql.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

_HIVE = "hive_partitioning = true, hive_types = {'run_id': VARCHAR}, union_by_name = true"

_LATEST = """
CREATE OR REPLACE VIEW latest AS
WITH met AS (
    SELECT
        d.uri,
        d.run_id AS seen_run_id,
        coalesce(d.result_run_id, d.run_id) AS run_id,
        row_number() OVER (
            PARTITION BY d.uri ORDER BY r.started_at DESC, r.finished_at DESC, d.run_id DESC
        ) AS age
    FROM all_documents AS d
    JOIN finished_runs AS r ON r.run_id = d.run_id
)
SELECT d.*, met.seen_run_id
FROM met
JOIN all_documents AS d ON d.run_id = met.run_id AND d.uri = met.uri
WHERE met.age = 1
"""


def view_statements(
    output: str, run_id: str, tables: Iterable[str], own_columns: Container[str] = ()
) -> Iterator[str]:
    """SQL that creates the views; each statement may be executed again.

    Args:
        output: the output folder, an absolute path or a URI that DuckDB can read.
        run_id: the run that views with the names of the tables show.
        tables: those of which there are files; documents is among them.
        own_columns: those whose columns differ from run to run: they have the one view.
    """
    root = output.rstrip("/")
    yield (
        "CREATE OR REPLACE VIEW finished_runs AS SELECT run_id, started_at, finished_at FROM read_json("
        f"{_text(f'{_glob(root)}/runs/run_id=*/summary.json')}, columns = {{'run_id': 'VARCHAR', "
        "'started_at': 'TIMESTAMP', 'finished_at': 'TIMESTAMP'}, hive_partitioning = false)"
    )
    names = list(tables)
    for table in names:
        # By its own folder, so that a run can be read while another one is written.
        own = _text(f"{_glob(root)}/{table}/run_id={run_id}/*.parquet")
        yield f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM read_parquet({own}, {_HIVE})"
        if table in own_columns:
            continue
        every = _text(f"{_glob(root)}/{table}/run_id=*/*.parquet")
        yield (
            f"CREATE OR REPLACE VIEW all_{table} AS SELECT * FROM read_parquet({every}, {_HIVE}) "
            "WHERE run_id IN (SELECT run_id FROM finished_runs)"
        )
    yield _LATEST.strip()
    for table in names:
        if table != "documents" and table not in own_columns:
            yield (
                f"CREATE OR REPLACE VIEW latest_{table} AS SELECT t.* FROM all_{table} AS t "
                "JOIN latest AS l ON l.run_id = t.run_id AND l.document_id = t.document_id"
            )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _glob(path: str) -> str:
    """A path as a pattern that matches it alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
