"""The tables of a run: schemas, rows, Parquet files, and the counts in the summary."""
