import pytest

from beam_kie.tables.schema import SCHEMAS
from transforms.runs import paths


@pytest.mark.parametrize("output", ["out", "/data/out", "gs://bucket", "gs://bucket/kie", "."])
def test_paths_begin_with_the_output_and_a_final_slash_changes_nothing(output):
    for given in (output, output + "/"):
        assert paths.table_path(given, "lines", "a", 3, 16) == (
            f"{output}/lines/run_id=a/part-00003-of-00016.parquet"
        )
        assert paths.overlay_path(given, "a", "id", 7) == f"{output}/overlays/run_id=a/id/p0007.jpg"
        assert paths.summary_path(given, "a") == f"{output}/runs/run_id=a/summary.json"


def test_root_folder_is_a_place_too():
    assert paths.summary_path("/", "a") == "/runs/run_id=a/summary.json"


def test_run_folders_hold_every_file_of_a_run_and_the_summary_goes_first():
    folders = paths.run_folders("out", "a")
    written = [paths.table_path("out", table, "a", 0, 1) for table in SCHEMAS]
    written += [paths.overlay_path("out", "a", "id", 1), paths.summary_path("out", "a")]
    for path in written:
        assert any(path.startswith(folder + "/") for folder in folders)
    assert paths.summary_path("out", "a").startswith(folders[0])
