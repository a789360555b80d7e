"""Runs under an output: where their files lie, which are finished, what they have done."""
