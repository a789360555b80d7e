"""For Beam's ``--setup_file``: everything it says is in pyproject.toml."""

from setuptools import setup

setup()
