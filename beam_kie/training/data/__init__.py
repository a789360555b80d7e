"""Training data: pages, their examples, the vocabulary and its first embeddings."""
