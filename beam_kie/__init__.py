"""What a scanned document is and what can be read from it: nouns and pure functions, no Beam."""

__version__ = "0.2.0.dev0"
