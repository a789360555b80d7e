"""What a run and its model are like, for readers: model cards and curves."""
