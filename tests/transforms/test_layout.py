import pytest

from beam_kie.tables import SCHEMAS
from transforms import layout


@pytest.mark.parametrize("output", ["out", "/data/out", "gs://bucket", "gs://bucket/kie", "."])
def test_paths_begin_with_the_output_and_a_final_slash_changes_nothing(output):
    for given in (output, output + "/"):
        assert layout.table_path(given, "lines", "a", 3, 16) == (
            f"{output}/lines/run_id=a/part-00003-of-00016.parquet"
        )
        assert layout.overlay_path(given, "a", "id", 7) == f"{output}/overlays/run_id=a/id/p0007.jpg"
        assert layout.summary_path(given, "a") == f"{output}/runs/run_id=a/summary.json"


def test_root_folder_is_a_place_too():
    assert layout.summary_path("/", "a") == "/runs/run_id=a/summary.json"


def test_run_folders_hold_every_file_of_a_run_and_the_summary_goes_first():
    folders = layout.run_folders("out", "a")
    paths = [layout.table_path("out", table, "a", 0, 1) for table in SCHEMAS]
    paths += [layout.overlay_path("out", "a", "id", 1), layout.summary_path("out", "a")]
    for path in paths:
        assert any(path.startswith(folder + "/") for folder in folders)
    assert layout.summary_path("out", "a").startswith(folders[0])
