"""Boxes and rings to tick on a page: what picture, text and the form's fields say of them together."""
