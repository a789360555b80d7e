"""What a run wrote, to be compared byte for byte with what another run wrote."""

from collections.abc import Iterable
from pathlib import Path

from transforms.storage import files

TELL_TIMES = ("summary.json", "report.html")
"""Files that differ from run to run: they tell times and the options of the runner."""
TELL_RUN = ("run-00000.js",)
"""The review's file with the name and the options of the run."""


def written_files(output: str | Path, pattern: str = "**/*", but: Iterable[str] = ()) -> dict[str, bytes]:
    """The bytes of every file below a folder, by path below it; hidden files, too.

    Args:
        output: the folder of a run.
        pattern: only these files.
        but: names of files that are left out beside those that tell times.
    """
    left_out = {*TELL_TIMES, *but}
    found = sorted(path for path in Path(output).glob(pattern) if path.is_file())
    return {str(path.relative_to(output)): path.read_bytes() for path in found if path.name not in left_out}


def written_objects(output: str) -> dict[str, bytes]:
    """The same for a folder in object storage, by URI.

    Args:
        output: its URI.
    """
    return {uri: files.read_bytes(uri) for uri in files.list_files(output) if not uri.endswith(TELL_TIMES)}
