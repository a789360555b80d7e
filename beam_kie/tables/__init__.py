"""What the tables hold: schemas, rows, their Parquet bytes, and the counts of a run."""
