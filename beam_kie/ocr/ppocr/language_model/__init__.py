"""Reads doubtful lines once more, with a model of which letters follow which in six languages."""
