import pytest

from beam_kie.forms import generate_layout
from beam_kie.forms.__main__ import main
from beam_kie.labelled.formats import read_labels


def test_forms_and_labels_are_written_side_by_side(tmp_path, capsys):
    assert main(["--output", str(tmp_path), "--count", "3", "--languages", "pt,ja", "--dpi", "60"]) == 0
    pages = read_labels(tmp_path / "labels.txt", tmp_path)
    assert [page.name[:2] for page in pages] == ["pt", "ja", "pt"]
    assert all((tmp_path / page.name).is_file() for page in pages)
    assert "3 forms" in capsys.readouterr().out


def test_the_seed_and_kind_decide_the_form(tmp_path):
    main(["--output", str(tmp_path), "--count", "1", "--languages", "it", "--kind", "tax", "--seed", "5"])
    (page,) = read_labels(tmp_path / "labels.txt")
    assert [e.text for e in page.entries] == [e.text for e in generate_layout("it", 5, "tax").entries]


@pytest.mark.parametrize(
    "arguments",
    [[], ["--output", "x", "--languages", "xx"], ["--output", "x", "--count", "0"], ["--outptu", "x"]],
    ids=["nothing to do", "language", "count", "misspelt"],
)
def test_impossible_arguments_end_with_two(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert list(tmp_path.iterdir()) == []


def test_forms_of_a_domain_are_written(tmp_path):
    arguments = ["--count", "2", "--languages", "en,zh", "--kind", "domain:customs", "--dpi", "60"]
    assert main(["--output", str(tmp_path), *arguments]) == 0
    names = [page.name for page in read_labels(tmp_path / "labels.txt", tmp_path)]
    assert names == ["en_domain_customs_000000.jpg", "zh_domain_customs_000001.jpg"]


@pytest.mark.parametrize("kind", ["novel", "domain:novel"])
def test_unknown_kinds_and_domains_end_with_two(kind, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--output", str(tmp_path / "new"), "--languages", "en", "--kind", kind])
    assert stopped.value.code == 2
    assert not (tmp_path / "new").exists()
    assert "customs" in capsys.readouterr().err or kind == "novel"
