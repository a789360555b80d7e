"""Files of line vectors."""

import numpy as np
import pytest

from beam_kie.training.line_vectors.files import LineVectors, VectorFileError, centred, joined

TEXTS = {"Date of birth": "en", "Name": "en", "姓名": "zh", "出生日期": "zh"}


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    return [rng.normal(5, 1, (4, 6)), rng.normal(-3, 1, (4, 8))]


def test_vectors_of_a_language_are_unit_vectors_around_its_mean(parts):
    vectors = centred(parts[0], list(TEXTS.values()))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-6)
    # Two vectors around their mean point away from each other.
    assert vectors[0] @ vectors[1] == pytest.approx(-1, abs=1e-5)
    assert vectors[2] @ vectors[3] == pytest.approx(-1, abs=1e-5)


def test_a_file_comes_back_as_it_was_written(parts, tmp_path):
    written = joined(TEXTS, parts)
    written.save(tmp_path / "new" / "lines.npz")
    read = LineVectors.load(tmp_path / "new" / "lines.npz")
    assert (read.texts, read.languages, read.sizes) == (tuple(TEXTS), tuple(TEXTS.values()), (6, 8))
    assert np.array_equal(read.vectors, written.vectors)
    assert read.by_text()["姓名"] == 2


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_that_is_none_is_named(content, tmp_path):
    path = tmp_path / "lines.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VectorFileError, match=r"lines\.npz"):
        LineVectors.load(path)


def test_parts_of_different_lengths_are_refused(parts, tmp_path):
    written = joined(TEXTS, parts)
    LineVectors(written.texts[:-1], written.languages, written.vectors, written.sizes).save(
        tmp_path / "x.npz"
    )
    with pytest.raises(VectorFileError, match="belong together"):
        LineVectors.load(tmp_path / "x.npz")
