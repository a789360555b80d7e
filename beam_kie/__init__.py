"""Key information extraction from scanned documents: values and pure functions, without Beam."""

__version__ = "0.2.0.dev0"
