"""Reports on a run and its model: model cards and curves."""
