"""The network in PyTorch: encoder, visual backbone, heads."""
