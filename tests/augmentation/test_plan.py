import numpy as np

from kerascnn.augmentation import Identity, Invert, OneOf, Pipeline, RandAugment, Rotate, Shift
from kerascnn.augmentation.plan import Gate, Step, plan


def test_draws_are_dealt_out_in_order():
    flat = plan(Pipeline(Shift(0.1), Pipeline(Rotate(5, p=0.5), Invert()), Rotate(9)))
    assert flat.steps == (
        Step(Shift(0.1), 0),
        Step(Rotate(5, p=0.5), 3, (Gate(2, 0.0, 0.5),)),
        Step(Invert(), 4),
        Step(Rotate(9), 4),
    )
    assert flat.draws == 5


def test_gates_add_up_on_the_way_in():
    choice = OneOf(Identity(), Pipeline(Invert(), p=0.25), weights=(3, 1), p=0.5)
    step = plan(Pipeline(choice)).steps[1]
    assert step.gates == (Gate(0, 0.0, 0.5), Gate(1, 0.75, 1.0), Gate(2, 0.0, 0.25))
    u = np.array([[0.4, 0.8, 0.2], [0.6, 0.8, 0.2], [0.4, 0.7, 0.2], [0.4, 0.8, 0.3]])
    assert step.active(u).tolist() == [True, False, False, False]


def test_without_gates_a_step_acts_on_all():
    assert Step(Invert(), 0).active(np.zeros((3, 0))) is None


def test_a_policy_is_expanded():
    flat = plan(RandAugment(2))
    assert len({gate for step in flat.steps for gate in step.gates if gate.low == 0}) > 2
    assert flat.draws == max(step.first + step.transform.draws for step in flat.steps)
