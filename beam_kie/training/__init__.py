"""Training: the bundled model, or a model on a user's own labels."""
