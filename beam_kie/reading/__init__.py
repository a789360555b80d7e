"""Reads single documents in this process, for programs and notebooks: ``beam_kie.read``."""
