import csv
import io
import pickle

import pytest

from kerascnn.tuning.trials import Trial, as_csv, as_markdown, ranked, table, varying


def finished(number, score, parameters=None, values=(), **more):
    return Trial(number, dict(values), {}, "finished", score, parameters=parameters, **more)


SWEEP = [
    finished(0, 0.5, 900, {"stages": 2, "block": "plain", "bias": True}, epochs=3, seconds=12.25),
    Trial(1, {"stages": 3, "block": "plain", "bias": True}, {}, "failed", error="ValueError: `rate` < 0 | no\nsecond"),
    finished(2, 0.91236, 2_345_678, {"stages": 3, "block": "residual", "kernel_3": 5, "bias": True}, flops=30.94e9),
]


def test_ranked_puts_the_best_first_and_the_unfinished_last():
    running, failed = Trial(0, {}, {}, "running", 0.99), Trial(3, {}, {}, "failed")
    low, high = finished(2, 0.1), finished(1, 0.9)
    assert ranked([failed, low, running, high], "max") == [high, low, running, failed]
    assert ranked(iter([failed, low, running, high]), "min") == [low, high, running, failed]


@pytest.mark.parametrize("direction", ["max", "min"])
def test_of_equal_scores_the_smaller_then_the_earlier_comes_first(direction):
    sizes = {4: 20, 3: 10, 2: None, 1: 20, 0: None}
    order = ranked([finished(number, 0.5, size) for number, size in sizes.items()], direction)
    assert [trial.number for trial in order] == [3, 1, 4, 0, 2]


def test_what_a_trial_and_an_order_must_be():
    with pytest.raises(ValueError, match="`status` must be one of .*Did you mean 'finished'"):
        Trial(0, {}, {}, "finishd")
    for score in (None, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="`score` must be a finite number in a finished trial"):
            finished(0, score)
    with pytest.raises(ValueError, match="`direction` must be one of 'max', 'min'. Received: direction='maximum'"):
        ranked([], "maximum")


def test_a_trial_goes_to_another_process_and_does_not_change():
    assert pickle.loads(pickle.dumps(SWEEP[2])) == SWEEP[2]
    with pytest.raises(AttributeError):
        SWEEP[2].score = 1.0


def test_varying_leaves_out_what_is_the_same_in_all_trials():
    drawn = varying(SWEEP)
    assert drawn == {"stages": [2, 3, 3], "block": ["plain", "plain", "residual"], "kernel_3": [None, None, 5]}
    assert varying([finished(0, 0, values={"a": 1}), finished(1, 0, values={"a": True})]) == {"a": [1, True]}
    assert varying([]) == varying(SWEEP[:1]) == {}


def test_table_has_a_row_a_trial_and_a_column_a_varying_hyperparameter():
    header, rows = table(SWEEP, "max")
    known = ("epochs", "seconds", "parameters", "flops", "status", "error")
    assert header == ("trial", "score", "stages", "block", "kernel_3", *known)
    assert rows == [
        (2, 0.91236, 3, "residual", 5, "", "", 2_345_678, 30.94e9, "finished", ""),
        (0, 0.5, 2, "plain", "", 3, 12.25, 900, "", "finished", ""),
        (1, "", 3, "plain", "", "", "", "", "", "failed", SWEEP[1].error),
    ]
    assert [row[0] for row in table(SWEEP, "min")[1]] == [0, 2, 1]


def test_a_drawn_number_of_epochs_has_a_column_beside_the_epochs_trained():
    trials = [finished(number, 0.5, values={"epochs": 10 + number}, epochs=number) for number in (0, 1)]
    header, rows = table(trials, "max")
    assert header[2:4] == ("epochs drawn", "epochs")
    assert [row[2:4] for row in rows] == [(10, 0), (11, 1)]


def test_csv_holds_every_digit_and_comes_back():
    header, rows = table(SWEEP, "max")
    read = list(csv.reader(io.StringIO(as_csv(SWEEP, "max"), newline="")))
    assert read == [list(header), *([str(cell) for cell in row] for row in rows)]
    assert as_csv([], "max") == "trial,score,epochs,seconds,parameters,flops,status,error\n"


def test_markdown_is_short_with_the_best_in_bold():
    assert as_markdown(SWEEP, "max").splitlines() == [
        "| trial | score | stages | block | kernel_3 | epochs | seconds | parameters | flops | status | error |",
        "| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
        "| **2** | **0.9124** | **3** | **residual** | **5** |  |  | **2.346 M** | **30.94 G** | **finished** |  |",
        "| 0 | 0.5000 | 2 | plain |  | 3 | 12.2 | 900 |  | finished |  |",
        r"| 1 |  | 3 | plain |  |  |  |  |  | failed | ValueError: \`rate\` \< 0 \| no second |",
        "",
        "The same in all trials: `bias` True.",
    ]


def test_markdown_of_a_sweep_without_a_finished_trial_has_no_best():
    failed = Trial(0, {}, {}, "failed", error="x" * 200)
    lines = as_markdown([failed], "max").splitlines()
    assert lines[2] == f"| 0 |  | failed | {'x' * 99}… |"
    assert as_markdown([], "max") == "| trial | score |\n| ---: | ---: |"


@pytest.mark.parametrize(
    ("score", "text"), [(0.00012, "0.00012"), (0.0, "0.0000"), (-1.23456, "-1.2346"), (3e7, "3e+07")]
)
def test_scores_keep_their_figures_however_small(score, text):
    assert f"**{text}**" in as_markdown([finished(0, score)], "max")
