"""Runs under an output folder: their paths, which are finished, and which documents they hold."""
