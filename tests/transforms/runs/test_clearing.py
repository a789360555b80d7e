import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from beam_kie.document import SourceFile
from transforms.config import JobConfig
from transforms.runs import paths
from transforms.runs.clearing import AfterClearing, clears_on_workers
from transforms.storage import files

IDS = ("0" * 32, "ab" + "1" * 30, "f" * 32)


def files_of(output, run_id):
    places = [(document, page) for document in IDS for page in (1, 2)]
    return [
        f"{paths.parts_folder(output, run_id)}/part-1.arrow",
        f"{paths.review_folder(output, run_id)}/index.html",
        f"{paths.review_folder(output, run_id)}/data/run-00000.js",
        *(paths.overlay_path(output, run_id, *place) for place in places),
        *(paths.review_picture_path(output, run_id, *place) for place in places),
        *(paths.review_thumbnail_path(output, run_id, *place) for place in places),
    ]


def test_workers_delete_pictures_and_parts_before_the_first_file_is_read(gcs_bucket):
    output = f"{gcs_bucket}/out"
    config = JobConfig(output=output, run_id="r", overwrite=True)
    for path in (*files_of(output, "r"), *files_of(output, "r2")):
        files.write_bytes(path, b"old")

    def left(source):
        return source.uri, len(files.list_files(f"{output}/overlays/run_id=r"))

    with beam.Pipeline("FnApiRunner") as pipeline:
        sources = pipeline | beam.Create([SourceFile("a.png"), SourceFile("b.png")])
        seen = sources | AfterClearing(config) | beam.Map(left)
        assert_that(seen, equal_to([("a.png", 0), ("b.png", 0)]))
    assert files.list_files(output) == sorted(files_of(output, "r2"))


def test_a_folder_of_this_machine_is_left_to_the_launcher(tmp_path):
    assert not clears_on_workers(JobConfig(output=str(tmp_path), run_id="r", overwrite=True))
    assert not clears_on_workers(JobConfig(output="gs://bucket/out", run_id="r", resume=True))
