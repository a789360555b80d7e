"""The steps of the job that write: tables, overlays, summary."""
