"""Labelled pages: label formats, gold entities, and their alignment with what OCR reads."""
