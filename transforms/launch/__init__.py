"""From a command line to a running job: flags, checks before launch, runners, the report at the end."""
