"""Other OCR's files to the JSON lines of ``--ocr_lines``: ``python -m beam_kie.ocr.convert --help``."""
