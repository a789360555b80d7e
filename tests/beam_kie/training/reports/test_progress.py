import io

import pytest

from beam_kie.training.reports.progress import Progress, spoken


def test_time_left_is_told_after_the_first_step_and_then_now_and_then(capsys):
    now = [0.0]
    progress = Progress(100, 200, lambda: now[0])
    for step in range(101, 141):
        now[0] += 2.0
        progress.done(step, 0.5)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "step 101 of 200, loss 0.500, about 3 min left"
    assert [line.split()[1] for line in lines] == ["101", "105", "115", "125", "135"]
    assert lines[-1].endswith("about 2 min left")


def test_a_terminal_shows_a_bar_with_time_left_and_loss():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    progress = Progress(100, 200, stream=terminal)
    for step in range(101, 201):
        progress.done(step, 0.25)
    progress.close()
    first, last = terminal.getvalue().split("\r")[1], terminal.getvalue().split("\r")[-1]
    assert "100/200" in first and "200/200" in last
    assert "loss 0.250" in last and "<00:00" in last


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3700, "62 min"), (11100, "3 h 5 min")]
)
def test_times_are_said_as_one_says_them(seconds, said):
    assert spoken(seconds) == said
