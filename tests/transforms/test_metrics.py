from beam_kie.document import StageTime
from transforms.metrics import StageTimer, timed_steps


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


def test_a_timer_measures_what_happens_inside_it(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(StageTimer, "clock", clock.perf_counter)
    clock.now = 5.0
    with StageTimer("ocr") as timer:
        clock.now += 2.5
    clock.now += 100
    assert timer.spent(3) == StageTime(stage="ocr", seconds=2.5, items=3)


def test_steps_are_timed_without_the_time_of_their_consumer(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(StageTimer, "clock", clock.perf_counter)

    def pages():
        for page in "ab":
            clock.now += 1.5
            yield page

    seen = []
    for page, spent in timed_steps("decode", pages()):
        seen.append((page, spent))
        clock.now += 100
    assert seen == [("a", StageTime("decode", 1.5, 1)), ("b", StageTime("decode", 1.5, 1))]


def test_steps_are_made_one_at_a_time():
    made = []

    def pages():
        for page in range(3):
            made.append(page)
            yield page

    for page, _ in timed_steps("decode", pages()):
        assert made == list(range(page + 1))
