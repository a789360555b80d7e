"""What a network learns from: pages, their examples, the vocabulary and its first embeddings."""
