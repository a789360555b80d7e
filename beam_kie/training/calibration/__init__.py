"""Confidences that mean what they say: measured on held-out pages, fitted, drawn."""
