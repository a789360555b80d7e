import filecmp
from pathlib import Path

import pytest

from model_store import BUNDLED
from transforms.stages.models import model_folder


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BEAM_KIE_CACHE", str(tmp_path / "cache"))


def test_the_bundled_model_and_folders_stay_where_they_are(small_model):
    assert model_folder("bundled") == BUNDLED
    assert model_folder(small_model) == Path(small_model)


def test_a_model_in_a_bucket_is_copied_here(gcs_bucket, small_model):
    from google.cloud import storage

    bucket = storage.Client(project="test").bucket(gcs_bucket.removeprefix("gs://"))
    names = [path.name for path in Path(small_model).iterdir()]
    for name in names:
        bucket.blob(f"models/mine/{name}").upload_from_filename(str(Path(small_model) / name))
    folder = model_folder(f"{gcs_bucket}/models/mine")
    assert filecmp.cmpfiles(folder, small_model, names, shallow=False)[0] == names


def test_a_model_that_is_not_in_the_bucket_is_refused(gcs_bucket):
    with pytest.raises(ValueError, match="models/none"):
        model_folder(f"{gcs_bucket}/models/none")
