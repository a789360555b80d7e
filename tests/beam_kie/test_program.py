import pytest

from beam_kie.program import program_name


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/usr/bin/beam-kie", "beam-kie"),
        ("beam-kie-models", "beam-kie-models"),
        ("run_pipeline.py", "python run_pipeline.py"),
        ("/site-packages/pytest/__main__.py", "python run_pipeline.py"),
    ],
)
def test_messages_name_the_command_that_was_typed(monkeypatch, called, name):
    monkeypatch.setattr("sys.argv", [called, "--help"])
    assert program_name("python run_pipeline.py") == name


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/usr/bin/beam-kie", "beam-kie show"),
        ("run_pipeline.py", "python run_pipeline.py show"),
        ("/here/transforms/show.py", "python -m transforms.show"),
        ("beam-kie-models", "beam-kie-models"),
    ],
)
def test_messages_of_a_subcommand_name_it(monkeypatch, called, name):
    monkeypatch.setattr("sys.argv", [called])
    assert program_name("python -m transforms.show", "show") == name
