"""LayoutXLM: the network, its features and its decoding, in PyTorch alone."""
