"""The Beam job: PTransforms, model handlers and sinks, and its command line."""
