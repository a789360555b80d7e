"""Random changes to training pages: what scanners and OCR engines do to real ones."""
