import json

import pyarrow.parquet as pq
import pytest

from tests import small_runs
from tests.beam_kie.review.test_files import chunk
from transforms import review
from transforms.runs import paths


@pytest.fixture
def output(tmp_path):
    return small_runs.write_run(tmp_path / "out [1]", shards=3)


def files_of(output, run_id=small_runs.RUN_ID):
    folder = output / "review" / f"run_id={run_id}"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_document_of_every_shard_is_in_the_review(output, capsys):
    assert review.main([str(output)]) == 0
    assert capsys.readouterr().out.strip() == f"{output}/review/run_id=small/index.html"
    files = files_of(output)
    documents = {uri.rsplit("/", 1)[-1]: rest for _, uri, *rest in chunk(files, "documents")}
    assert documents.keys() >= {"form.jpg", "three.pdf", "broken.jpg"} and len(documents) == 4
    status, _, _, _, failures, pages = documents["three.pdf"]
    assert (status, [page[0] for page in pages]) == ("PARTIAL", [1, 2, 3])
    assert [failure[:3] for failure in failures] == [[2, "MODEL", "MODEL_FAILED"]]
    assert [page[8] for page in pages] == [1, 0, 1]  # clean pictures but for the page that failed
    assert documents["broken.jpg"][0] == "FAILURE"


def test_a_shard_of_several_files_is_in_the_review_once(output):
    review.write_review(str(output), small_runs.RUN_ID)
    before = files_of(output)
    for table in ("lines", "entities"):
        for path in sorted((output / table / "run_id=small").iterdir()):
            rows = pq.ParquetFile(path).read()
            for number, piece in enumerate([rows.slice(0, 5), rows.slice(5)]):
                shard, _ = paths.place_of_table_file(path.name)
                pq.write_table(piece, paths.table_path(str(output), table, "small", shard, 3, number))
    review.write_review(str(output), small_runs.RUN_ID)
    assert files_of(output) == before


def test_a_review_that_is_written_again_leaves_nothing_of_the_one_before(output):
    review.write_review(str(output), small_runs.RUN_ID)
    before = files_of(output)
    stale = output / "review" / "run_id=small" / "data" / "pages-00099.js"
    stale.write_text("old")
    review.write_review(str(output), small_runs.RUN_ID)
    assert files_of(output) == before


def test_overlays_are_enough(tmp_path):
    output = small_runs.write_run(tmp_path, clean=False)
    review.write_review(str(output), small_runs.RUN_ID)
    pages = [page for document in chunk(files_of(output), "documents") for page in document[7]]
    assert sorted(page[8] for page in pages) == [0, 2, 2, 2, 2]


def test_review_lies_in_a_bucket_too(tmp_path, gcs_bucket):
    from transforms.storage import files

    local = small_runs.write_run(tmp_path, clean=False)
    for path in local.rglob("*.*"):
        files.write_bytes(f"{gcs_bucket}/kie/{path.relative_to(local)}", path.read_bytes())
    index = review.write_review(f"{gcs_bucket}/kie", small_runs.RUN_ID)
    assert index == f"{gcs_bucket}/kie/review/run_id=small/index.html"
    names = {uri.rsplit("/", 1)[-1] for uri in files.list_files(f"{gcs_bucket}/kie/review")}
    assert {"index.html", "run-00000.js", "pages-00000.js", "core.js"} <= names


def test_what_is_no_finished_run_is_said_in_one_line(tmp_path, output, capsys):
    assert review.main([str(tmp_path / "nothing")]) == 2
    assert review.main([str(output), "--run_id", "other"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "no finished run other" in said[1]


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_damaged_tables_are_said_in_one_line_and_leave_no_index(output, capsys, damage):
    path = sorted((output / "entities" / "run_id=small").iterdir())[0]
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    else:
        path.unlink()
    assert review.main([str(output)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (output / "review" / "run_id=small" / "index.html").exists()


def test_overwriting_a_run_takes_its_review_away():
    assert paths.review_folder("out", "a") in paths.run_folders("out", "a")
    for path in (
        paths.review_picture_path("out", "a", "d", 3),
        paths.review_thumbnail_path("out", "a", "d", 3),
    ):
        assert path.startswith(paths.review_folder("out", "a") + "/") and path.endswith("/d/p0003.jpg")


def test_summary_of_an_older_version_is_enough(output):
    path = paths.summary_path(str(output), small_runs.RUN_ID)
    with open(path, "w") as file:
        json.dump({"run_id": "small"}, file)
    assert review.write_review(str(output), small_runs.RUN_ID)
