import pytest

from benchmarks.growth import Link, efficiency, measured, slowest, tell
from benchmarks.rounds import Worker, ask_all, in_turn, ratio, spread, table

ECHO = """
from benchmarks.rounds import serve
print("a library says hello")
serve({"add": lambda a, b: print("noise") or a + b, "end": lambda: exit(5)})
"""


def test_rounds_alternate_and_every_other_goes_backwards(monkeypatch):
    monkeypatch.setattr("benchmarks.rounds.SETTLE", 0)
    order, numbers = [], iter(range(6))
    found = in_turn({name: lambda name=name: order.append(name) or next(numbers) for name in "ab"}, 3)
    assert order == list("abbaab")
    assert found == {"a": [0, 3, 4], "b": [1, 2, 5]}


def test_the_ratio_is_that_of_each_round():
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == "2.00 (1.00 to 3.00)"
    assert spread([1234.5]) == "1,234.5"


def test_a_table_is_markdown(capsys):
    table(["", "ms"], [["a", 1], ["b", 2]])
    assert capsys.readouterr().out == "|  | ms |\n|---|---:|\n| a | 1 |\n| b | 2 |\n\n"


def test_workers_answer_what_prints_do_not_disturb_and_an_end_is_an_error():
    with Worker(["-c", ECHO]) as first, Worker(["-c", ECHO]) as second:
        assert first.ask("add", 1, 2) == 3
        assert ask_all([first, second], "add", 3, 4) == [7, 7]
        with pytest.raises(RuntimeError, match="ended with 5"):
            first.ask("end")


def test_a_ring_of_two_sends_half_of_the_gradients_twice():
    link = Link(message=1.0, bandwidth=100.0)
    assert link.all_reduce(1, 1000) == 0
    assert link.all_reduce(2, 1000) == 2 + 10
    assert link.all_reduce(2, 1000, pieces=5) == 10 + 10
    assert link.all_reduce(8, 800) == pytest.approx(14 + 2 * 7 / 8 * 8)


def test_growth_tells_each_link_and_the_check(capsys):
    step = {"network": "resnet20", "batch": 10, "parameters": 250, "steps": [40.0, 40.0]}
    scaling = {"all_reduce": [[0, 2.0], [1000, 3.0]], "parameters": 250, "pieces": 5}
    scaling["weak"] = {"two, apart": 50.0, "two as one": 70.0}
    tell({"steps-resnet20": step, "inputs": {"inputs": {"arrays of 32 px, labels": 1000.0}}, "scaling": scaling})
    told = capsys.readouterr().out
    assert "| resnet20, batch 10 | 40 + 10 | 0.0 | 1 | 100% | 94% |" in told  # 50 / 53
    assert "| resnet20, batch 10 | 40 + 10 | 0.0 | 5 | 100% | 82% |" in told  # 50 / 61
    assert "the model adds 11.0 ms for 5 all-reduces" in told


def test_a_line_through_the_times_is_the_link_that_made_them():
    link = Link(0.25, 5000.0)
    assert measured([(size, link.all_reduce(2, size)) for size in (4096, 65536, 2**20)]) == link


def test_the_slowest_of_many_draws():
    assert slowest([5.0], 512) == 5
    assert slowest([2.0, 1.0], 3) == pytest.approx(2 - 1 / 8)


def test_efficiency_by_hand():
    assert efficiency([50.0], 10.0, 0.0, 1) == 1
    assert efficiency([40.0, 60.0], 10.0, 5.0, 2) == pytest.approx(60 / (55 + 10 + 5))
