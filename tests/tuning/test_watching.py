import io

import pytest
from rich.console import Console

from kerascnn.tuning.rehearsal import duration
from kerascnn.tuning.trials import Trial
from kerascnn.tuning.watching import Watch

FIRST = Trial(0, {"rate": 0.012345, "kind": "a"}, {}, "finished", 0.81234, 5, 2.5)
WORSE = Trial(1, {"rate": 0.5, "kind": "a"}, {}, "finished", 0.7, 5, 2.5)
BROKEN = Trial(2, {"rate": 0.9, "kind": "a"}, {}, "failed", error="MemoryError: no room")
RUNNING = Trial(3, {"rate": 0.1, "kind": "a"}, {}, "running")


def watch(trials, **options):
    stream = io.StringIO()
    settings = {"planned": 8, "objective": "accuracy", "direction": "max", "stream": stream, **options}
    return Watch(lambda: trials, lambda: 90.0, **settings), stream


def test_without_a_terminal_each_trial_that_ends_is_a_line():
    trials = []
    shown, stream = watch(trials)
    with shown:
        for trial in (FIRST, WORSE, BROKEN, RUNNING):
            trials.append(trial)
            shown.update()
            shown.update()
    assert stream.getvalue().splitlines() == [
        "trial 0 (1/8)  accuracy 0.8123  best 0.8123 (trial 0)  about 90 s left  rate=0.0123 kind=a",
        "trial 1 (2/8)  accuracy 0.7000  best 0.8123 (trial 0)  about 90 s left  rate=0.5",
        "trial 2 (3/8)  failed: MemoryError: no room  best 0.8123 (trial 0)  about 90 s left  rate=0.9",
    ]


def test_what_an_earlier_start_has_told_is_not_told_again_and_0_tells_nothing():
    trials = [FIRST]
    for verbose, lines in ((2, 1), (0, 0)):
        shown, stream = watch(trials, verbose=verbose)
        with shown:
            trials.append(WORSE)
            shown.update()
        assert len(stream.getvalue().splitlines()) == lines
        trials.pop()


def test_a_terminal_sees_a_table_of_the_last_trials():
    shown, _ = watch([FIRST, WORSE, BROKEN, RUNNING])
    console = Console(file=io.StringIO(), width=120)
    console.print(shown._view())
    text = console.file.getvalue()
    assert "best 0.8123  about 90 s left" in text and "failed: MemoryError: no room" in text and "running" in text
    assert [line.split()[0] for line in text.splitlines()[1:5]] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2.0 min"), (7200, "2.0 h")])
def test_durations(seconds, text):
    assert duration(seconds) == text
