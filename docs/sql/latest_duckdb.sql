-- What is known of every document, from finished runs alone: views for DuckDB.
-- out/ is the --output of the runs: start DuckDB in the folder above it, or put another folder or
-- gs://bucket/kie/ (with DuckDB's httpfs) in its place. docs/reruns.md explains them.

-- A run without summary.json was broken off, or is not finished yet.
CREATE OR REPLACE VIEW finished_runs AS
SELECT run_id, started_at, finished_at
FROM read_json(
    'out/runs/run_id=*/summary.json',
    columns = {run_id: 'VARCHAR', started_at: 'TIMESTAMP', finished_at: 'TIMESTAMP'},
    hive_partitioning = false
);

-- One row for every URI: its row of documents from the newest finished run that has one, or, where that row is
-- SKIPPED, from the run that holds its rows. run_id is the run that holds its rows in all other tables;
-- seen_run_id is the newest run with a row.
CREATE OR REPLACE VIEW latest AS
WITH every_row AS (
    SELECT *
    FROM read_parquet(
        'out/documents/run_id=*/*.parquet',
        hive_partitioning = true, hive_types = {run_id: VARCHAR}, union_by_name = true
    )
),
met AS (
    SELECT
        d.uri,
        d.run_id AS seen_run_id,
        coalesce(d.result_run_id, d.run_id) AS run_id,
        row_number() OVER (
            PARTITION BY d.uri ORDER BY r.started_at DESC, r.finished_at DESC, d.run_id DESC
        ) AS age
    FROM every_row AS d
    JOIN finished_runs AS r ON r.run_id = d.run_id
)
SELECT d.*, met.seen_run_id
FROM met
JOIN finished_runs AS r ON r.run_id = met.run_id
JOIN every_row AS d ON d.run_id = met.run_id AND d.uri = met.uri
WHERE met.age = 1;

-- The pairs of those documents. The other tables go the same way.
CREATE OR REPLACE VIEW latest_key_values AS
SELECT k.*
FROM read_parquet(
    'out/key_values/run_id=*/*.parquet',
    hive_partitioning = true, hive_types = {run_id: VARCHAR}, union_by_name = true
) AS k
JOIN latest AS l ON l.run_id = k.run_id AND l.document_id = k.document_id;
