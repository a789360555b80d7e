"""Calibration of confidences: measured on held-out pages, fitted, drawn."""
