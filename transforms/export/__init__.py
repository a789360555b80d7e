"""Finished runs in other forms than Parquet: ``beam-kie export OUT --format FORMAT``."""
