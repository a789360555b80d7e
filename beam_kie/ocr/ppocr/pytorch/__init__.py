"""PP-OCR's networks in PyTorch, for GPUs: transformers' own classes with the weights of the ONNX files."""
