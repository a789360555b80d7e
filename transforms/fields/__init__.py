"""Fields of finished runs as one file: ``beam-kie fields OUT -o FILE``."""
