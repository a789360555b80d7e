"""Machine types and GPUs of Google Cloud, and what a run on them costs."""
