"""Pictures of a run: figures from its summary and tables, as a page without scripts and as PNG."""
