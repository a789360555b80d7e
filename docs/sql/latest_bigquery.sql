-- What is known of every document, from finished runs alone: external tables and views for BigQuery.
-- kie is a dataset in the region of the bucket, gs://bucket/kie the --output of the runs: put your own in their
-- place. docs/reruns.md explains the views.

-- summary.json takes several lines, which BigQuery's JSON reader does not: each line is a row of text here.
CREATE OR REPLACE EXTERNAL TABLE kie.run_summaries (line STRING)
WITH PARTITION COLUMNS (run_id STRING)
OPTIONS (
  format = 'CSV', field_delimiter = '\t', quote = '',
  uris = ['gs://bucket/kie/runs/*'],
  hive_partition_uri_prefix = 'gs://bucket/kie/runs'
);

CREATE OR REPLACE EXTERNAL TABLE kie.documents
WITH PARTITION COLUMNS (run_id STRING)
OPTIONS (
  format = 'PARQUET', enable_list_inference = true,
  uris = ['gs://bucket/kie/documents/*'],
  hive_partition_uri_prefix = 'gs://bucket/kie/documents'
);

CREATE OR REPLACE EXTERNAL TABLE kie.key_values
WITH PARTITION COLUMNS (run_id STRING)
OPTIONS (
  format = 'PARQUET', enable_list_inference = true,
  uris = ['gs://bucket/kie/key_values/*'],
  hive_partition_uri_prefix = 'gs://bucket/kie/key_values'
);

-- A run without summary.json was broken off, or is not finished yet.
CREATE OR REPLACE VIEW kie.finished_runs AS
SELECT
  run_id,
  TIMESTAMP(MAX(REGEXP_EXTRACT(line, r'^\s*"started_at": "([^"]+)"'))) AS started_at,
  TIMESTAMP(MAX(REGEXP_EXTRACT(line, r'^\s*"finished_at": "([^"]+)"'))) AS finished_at
FROM kie.run_summaries
GROUP BY run_id;

-- One row for every URI: its row of documents from the newest finished run that has one, or, where that row is
-- SKIPPED, from the run that holds its rows. run_id is the run that holds its rows in all other tables;
-- seen_run_id is the newest run with a row.
CREATE OR REPLACE VIEW kie.latest AS
WITH met AS (
  SELECT
    d.uri,
    d.run_id AS seen_run_id,
    COALESCE(d.result_run_id, d.run_id) AS run_id,
    ROW_NUMBER() OVER (
      PARTITION BY d.uri ORDER BY r.started_at DESC, r.finished_at DESC, d.run_id DESC
    ) AS age
  FROM kie.documents AS d
  JOIN kie.finished_runs AS r ON r.run_id = d.run_id
)
SELECT d.*, met.seen_run_id
FROM met
JOIN kie.finished_runs AS r ON r.run_id = met.run_id
JOIN kie.documents AS d ON d.run_id = met.run_id AND d.uri = met.uri
WHERE met.age = 1;

-- The pairs of those documents. The other tables go the same way.
CREATE OR REPLACE VIEW kie.latest_key_values AS
SELECT k.*
FROM kie.key_values AS k
JOIN kie.latest AS l ON l.run_id = k.run_id AND l.document_id = k.document_id;
