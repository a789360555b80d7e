import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pages and reference numbers, which are not part of the repository."""
    folder = Path(os.environ.get("BEAM_KIE_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; BEAM_KIE_SHARED_DATA names another place")
    return folder
