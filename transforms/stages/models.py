"""The folder of the job's model, also where the model lies in cloud storage."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from model_store import register_opener, resolve
from transforms.storage import files

# What model_store cannot read by itself: it knows no cloud client.
_SCHEMES = ("gs", "s3")


def model_folder(reference: str) -> Path:
    """The folder of the model that ``reference`` names; what is in cloud storage is copied to this machine.

    Raises:
        ValueError: the reference leads nowhere, or what it leads to cannot be fetched or is no model.
    """
    for scheme in _SCHEMES:
        register_opener(scheme, _open)
    return resolve(reference)


def _open(address: str) -> BinaryIO:
    if not files.exists(address):
        raise FileNotFoundError(address)
    return FileSystems.open(address, compression_type=CompressionTypes.UNCOMPRESSED)
