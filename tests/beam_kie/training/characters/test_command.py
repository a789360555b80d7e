import pytest

from beam_kie.ocr.ppocr.language_model.ngrams import BITS, CODES, load_characters
from beam_kie.training.characters.__main__ import main


def test_the_same_text_makes_the_same_model(tmp_path, capsys):
    text = tmp_path / "de.txt"
    text.write_text("Der Betrag ist fällig.\n" * 40, "utf-8")
    files = [tmp_path / name for name in ("a.npz", "b.npz")]
    for file in files:
        assert main(["--text", str(text), "--output", str(file), "--ngrams", "20000"]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert "n-grams" in capsys.readouterr().out
    model = load_characters(files[0])
    key = model.start()
    for character in "Betra":
        key = (key << BITS | CODES[character]) & model.mask
    assert model.cost((key << BITS | CODES["g"]) & model.mask) < 20


@pytest.mark.parametrize("name", ["missing/en.txt", "xx.txt"])
def test_a_text_that_cannot_be_used_is_named_in_one_line(tmp_path, capsys, name):
    (tmp_path / "xx.txt").write_text("text", "utf-8")
    assert main(["--text", str(tmp_path / name), "--output", str(tmp_path / "out.npz")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line
    assert not (tmp_path / "out.npz").exists()


def test_no_characters_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--text", "en.txt", "--output", str(tmp_path / "out.npz"), "--ngrams", "0"])
    assert stopped.value.code == 2
    assert "--ngrams" in capsys.readouterr().err
