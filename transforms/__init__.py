"""Verbs: PTransforms, model handlers and sinks of the job, and its command line."""
