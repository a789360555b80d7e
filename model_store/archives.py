"""Unpacks tar archives of models into one folder, within limits."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from model_store.errors import SourceError

MAX_BYTES = 16 * 1024**3
MAX_MEMBERS = 1_000
MAX_DEPTH = 32
"""Folders within folders."""

_MAX_NAME = 200
# Python reads a header that holds a long name, or a list of properties, into memory as a whole, and some
# versions (CVE-2024-6232) search it in a time that grows with the square of its size.
_MAX_HEADER_BYTES = 4 * 1024
_MAX_BYTES_OF_HEADERS = 1024 * 1024
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class _BoundedTarInfo(tarfile.TarInfo):
    """Refuses headers that would take more memory or time than any name needs, before they are read.

    Each archive is read with a class of its own, whose ``left`` is what its headers may still have.
    """

    left = _MAX_BYTES_OF_HEADERS

    @classmethod
    def frombuf(cls, buf, encoding, errors):
        """Makes a member of a header's 512 bytes. Raises SourceError for one that claims too much."""
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0:
            raise SourceError("refused: a file of less than no bytes")
        if member.type in _HEADERS:
            if member.size > _MAX_HEADER_BYTES:
                raise SourceError(f"refused: a header of {member.size} bytes, which no file name needs")
            cls.left -= tarfile.BLOCKSIZE + member.size
            if cls.left < 0:
                raise SourceError("refused: its headers take more than file names need")
        if member.type == tarfile.GNUTYPE_SPARSE:
            raise SourceError("refused: it holds sparse files; pack it without them")
        return member


def is_archive(name: str) -> bool:
    """Whether a file's name is that of a tar archive.

    Args:
        name: of a file, with or without folders.
    """
    return name.lower().endswith(_SUFFIXES)


def unpack(archive: str | Path, folder: str | Path, max_bytes: int = MAX_BYTES) -> None:
    """Unpacks the files and folders of a tar archive; after an error, some may be written already.

    Args:
        archive: packed with gzip, bzip2 or xz, or not at all.
        folder: where they go; it exists and is empty.
        max_bytes: of all files together.

    Raises:
        SourceError: the archive is cut off, holds more than ``max_bytes`` or MAX_MEMBERS files, or has a
            member that is neither file nor folder or leads out of ``folder``.
    """
    folder, total, count = Path(folder), 0, 0
    try:
        with tarfile.open(archive, tarinfo=type("_OfThisArchive", (_BoundedTarInfo,), {})) as tar:
            for member in tar:
                count += 1
                total += max(member.size, 0)
                if total > max_bytes or count > MAX_MEMBERS:
                    raise SourceError(f"{archive}: holds more than {max_bytes} bytes or {MAX_MEMBERS} files")
                target = folder / _safe_path(archive, member)
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                else:
                    _write(tar, member, target)
            if not count:
                raise SourceError(f"{archive}: an empty archive")
    except RecursionError as error:  # headers in a row are read within each other
        raise SourceError(f"{archive}: refused: a file name with too many headers") from error
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError) as error:
        if not isinstance(error, SourceError):
            raise SourceError(f"{archive}: cut off, or no tar archive ({type(error).__name__})") from error
        if str(error).startswith(str(archive)):
            raise
        raise SourceError(f"{archive}: {error}") from error


def _safe_path(archive: str | Path, member: tarfile.TarInfo) -> Path:
    path = PurePosixPath(member.name)
    shown = member.name[:80]
    if len(path.parts) > MAX_DEPTH or any(len(part) > _MAX_NAME for part in path.parts):
        raise SourceError(f"{archive}: refused: {shown!r} lies too deep or has too long a name")
    if member.issparse():
        raise SourceError(f"{archive}: refused: {shown!r} is a sparse file; pack the archive without them")
    if not (member.isfile() or member.isdir()):
        raise SourceError(f"{archive}: refused: {shown!r} is a link or a device, not a file")
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
        raise SourceError(f"{archive}: refused: {shown!r} leads out of the archive")
    return Path(*path.parts)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None, "only files get here"
    with open(target, "xb") as file:
        shutil.copyfileobj(source, file, 1024 * 1024)  # raises where the archive ends too early
