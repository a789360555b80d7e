import gzip
import os
import tracemalloc
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems

from transforms.stages import inputs
from transforms.storage import files


@pytest.fixture
def scans(tmp_path) -> Path:
    for name in (
        "a.png",
        "b.jpg",
        "deep/c.png",
        "deep/er/d.png",
        "deep/.DS_Store",
        "x[1].png",
        "other/e.pdf",
    ):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "scans"


def matched(*texts: str) -> set[str]:
    """Base names of what Beam finds for the inputs."""
    results = FileSystems.match(list(inputs.normalise_inputs(texts)))
    return {os.path.basename(item.path) for result in results for item in result.metadata_list}


def test_folder_is_every_file_below_it(scans):
    everything = {"a.png", "b.jpg", "c.png", "d.png", ".DS_Store", "x[1].png", "e.pdf"}
    assert matched(str(scans)) == everything
    assert matched(f"{scans}/") == everything
    assert matched(f"{scans}/**") == everything


def test_double_star_also_stands_for_no_folder(scans):
    assert matched(f"{scans}/**/*.png") == {"a.png", "c.png", "d.png", "x[1].png"}
    assert matched(f"{scans}/**/d.png") == {"d.png"}
    assert matched(f"{scans}/**/a.png") == {"a.png"}
    assert matched(f"{scans}/**/deep/**/c.png") == {"c.png"}
    assert matched(f"{scans.parent}/**/scans/**/er/*.png") == {"d.png"}
    assert matched(f"{scans}/*.png") == {"a.png", "x[1].png"}


def test_file_whose_name_holds_pattern_characters_is_that_file(scans):
    (scans / "x1.png").write_bytes(b"x")
    assert matched(f"{scans}/x[1].png") == {"x[1].png"}
    assert matched(f"{scans}/x[12].png") == {"x1.png"}


def test_folder_whose_name_holds_pattern_characters(scans):
    odd = scans / "2024 [old]"
    odd.mkdir()
    (odd / "f.png").write_bytes(b"x")
    assert matched(str(odd)) == {"f.png"}


def test_same_file_has_one_spelling(scans, monkeypatch):
    monkeypatch.chdir(scans)
    spellings = ["a.png", "./a.png", f"{scans}/a.png", f"file://{scans}/a.png", "deep/../a.png"]
    assert inputs.normalise_inputs(spellings) == (f"{scans}/a.png",)


def test_check_names_every_input_that_matches_nothing(scans):
    inputs.check_inputs([str(scans), f"{scans}/**/a.png"])
    with pytest.raises(inputs.InputError) as caught:
        inputs.check_inputs([str(scans), f"{scans}/*.tif", f"{scans}/none.png"])
    assert "*.tif" in str(caught.value) and "none.png" in str(caught.value)
    assert f"'{scans}'" not in str(caught.value)


def test_braces_are_explained(scans):
    with pytest.raises(inputs.InputError, match=r"not \{a,b\}"):
        inputs.check_inputs([f"{scans}/*.{{png,jpg}}"])


def test_folder_with_nothing_but_system_files_is_empty(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    with pytest.raises(inputs.InputError, match="matches no file"):
        inputs.check_inputs([str(tmp_path)])


def test_system_file_named_on_purpose_is_an_input(tmp_path):
    (tmp_path / ".hidden.png").write_bytes(b"x")
    inputs.check_inputs([str(tmp_path / ".hidden.png")])


@pytest.mark.parametrize(
    "uri", ["/s/.DS_Store", "/s/._a.png", "gs://b/s/Thumbs.db", "gs://b/folder/", "/s/__MACOSX/a.png"]
)
def test_system_files(uri):
    assert inputs.is_system_file(uri)


@pytest.mark.parametrize("uri", ["/s/a.png", "/home/.cache/a.png", "gs://b/MACOSX.png", "thumbs.db.png"])
def test_ordinary_files(uri):
    assert not inputs.is_system_file(uri)


@pytest.mark.parametrize(
    ("uri", "say"), [("ftp://host/a.png", "no filesystem"), ("s4://b/a", "no filesystem")]
)
def test_unknown_scheme_is_explained(uri, say):
    with pytest.raises(inputs.InputError, match=say):
        inputs.check_inputs([uri])


def test_output_below_an_input_is_seen():
    patterns = inputs.normalise_inputs(["/data/scans/**"])
    assert inputs.covers(patterns, "/data/scans/out/overlays/p0001.jpg")
    assert not inputs.covers(patterns, "/data/out/overlays/p0001.jpg")
    assert not inputs.covers(["/data/scans/*"], "/data/scans/out/overlays/p0001.jpg")


def uris_of(name, text):
    return [uri.removeprefix("gs://b/") for uri in inputs.manifest_uris(name, text.splitlines(keepends=True))]


def test_text_manifest_keeps_commas_and_passes_over_comments():
    text = "# scans of May\ngs://b/a, b.png\n\n  gs://b/c.png  \r\n#gs://b/no.png\ngs://b/c.png\n"
    assert uris_of("list.txt", text) == ["a, b.png", "c.png", "c.png"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", 'id,URI\n1,gs://b/a.png\n2,"gs://b/c,d.png"\n3\n4,\n'),
        ("list.csv", 'gs://b/a.png,1\n"gs://b/c,d.png",2\n'),
        ("list.csv", 'scan,size\ngs://b/a.png,1\n"gs://b/c,d.png",2\n'),
        ("LIST.TSV", "id\turi\n1\tgs://b/a.png\n2\tgs://b/c,d.png\n"),
    ],
)
def test_table_manifest_has_a_column(name, text):
    assert uris_of(name, text) == ["a.png", "c,d.png"]


def test_manifest_on_a_filesystem_with_byte_order_mark_and_gzip(tmp_path):
    path = tmp_path / "list.csv.gz"
    path.write_bytes(gzip.compress("\ufeffuri\ngs://b/ä.png\n".encode()))
    assert list(inputs.read_manifest(str(path))) == ["gs://b/ä.png"]


def test_manifest_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(inputs.InputError, match="cannot read the manifest"):
        list(inputs.read_manifest(str(tmp_path / "none.txt")))
    (tmp_path / "latin.txt").write_bytes(b"/scans/\xe4\xff.png\n")
    with pytest.raises(inputs.InputError, match="not UTF-8"):
        list(inputs.read_manifest(str(tmp_path / "latin.txt")))


def test_relative_path_in_a_manifest_is_relative_to_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(inputs.manifest_uris("list.txt", ["a/b.png\n"])) == [f"{tmp_path}/a/b.png"]


@pytest.fixture
def cloud_scans(gcs_bucket) -> str:
    """A folder in a bucket with two scans, the empty object that stands for it, and a neighbour."""
    for name in ("scans/", "scans/a.png", "scans/deep/b.png", "scans-old/c.png"):
        files.write_bytes(f"{gcs_bucket}/{name}", b"" if name.endswith("/") else b"x")
    return f"{gcs_bucket}/scans"


def test_folder_in_a_bucket_with_and_without_slash(cloud_scans):
    assert inputs.normalise_inputs([cloud_scans, f"{cloud_scans}/"]) == (f"{cloud_scans}/**",)
    assert matched(cloud_scans) - {""} == {"a.png", "b.png"}
    bucket = cloud_scans.removesuffix("/scans")
    assert matched(bucket) - {""} == {"a.png", "b.png", "c.png"}


def test_files_and_patterns_in_a_bucket(cloud_scans):
    assert matched(f"{cloud_scans}/a.png") == {"a.png"}
    assert matched(f"{cloud_scans}/**/*.png") == {"a.png", "b.png"}
    inputs.check_inputs([cloud_scans, f"{cloud_scans}/*.png"])
    with pytest.raises(inputs.InputError, match=r"matches no file: '.*/none', '.*\*\.tif'$"):
        inputs.check_inputs([f"{cloud_scans}/none", f"{cloud_scans}/*.tif"])


def test_bucket_that_is_not_there_is_one_line(cloud_scans):
    with pytest.raises(inputs.InputError) as caught:
        inputs.check_inputs([f"{cloud_scans.removesuffix('/scans')}-none/**"])
    assert "\n" not in str(caught.value)


def test_manifest_in_a_bucket(gcs_bucket):
    files.write_bytes(f"{gcs_bucket}/list.csv", b"uri\ngs://b/a.png\n")
    assert list(inputs.read_manifest(f"{gcs_bucket}/list.csv")) == ["gs://b/a.png"]


def test_very_long_cell_of_a_manifest_is_refused_in_one_line(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("uri\n" + "x" * 200_000 + "\n")
    with pytest.raises(inputs.InputError, match=r"list\.csv"):
        list(inputs.read_manifest(str(path)))


def test_a_damaged_archive_of_a_manifest_is_one_line(tmp_path):
    whole = gzip.compress(b"".join(b"/scans/%d.png\n" % number for number in range(1000)))
    for name, data in (("cut.txt.gz", whole[:-20]), ("bad.txt.gz", whole[:40] + b"\xff" * 40 + whole[80:])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(inputs.InputError, match=name):
            list(inputs.read_manifest(str(tmp_path / name)))


def test_a_line_of_a_manifest_that_goes_on_and_on_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "list.txt.gz"
    path.write_bytes(gzip.compress(b"/scans/a.png\n" + bytes(100_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(inputs.InputError, match=r"list\.txt\.gz"):
            list(inputs.read_manifest(str(path)))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
