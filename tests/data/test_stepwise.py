import threading
import time

import keras
import numpy as np
import pytest

from kerascnn.augmentation import CutMix, Mosaic, Pipeline, RandomFlip, Shift
from kerascnn.data import Balanced, ClassBatches, InputClock, ViewBatches, batches, load, pair_batches, plain_batches
from kerascnn.data.boxes import ABSENT
from kerascnn.data.stepping import in_order
from kerascnn.data.stepwise import Stepwise
from kerascnn.noise import Gaussian

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (50, 6, 6, 1), "uint8"), np.arange(50) % 5
FLIP = Pipeline(RandomFlip("horizontal"), Shift(0.2))


def late(number):
    """Batches that are ready in another order than they are asked for."""
    time.sleep(0.01 * (number % 3 == 0))
    return np.full(2, number), np.zeros(2)


def firsts(found):
    return [int(images[0]) for images, _ in found]


@pytest.mark.backend
def test_batches_come_in_their_order_any_number_of_times():
    made = Stepwise(late, range(3, 20))
    assert len(made) == made.num_batches == 17
    assert firsts(made) == firsts(made.as_numpy_iterator()) == list(range(3, 20))
    assert firsts(made.mapped(lambda images, targets: (10 * images, targets))) == list(range(30, 200, 10))


@pytest.mark.backend
def test_any_place_can_be_asked_for_as_keras_does():
    made = Stepwise(late, range(3, 20))
    assert firsts(made[place] for place in [0, 0, 1, 2, 9, 10, 4, 16, 0]) == [3, 3, 4, 5, 12, 13, 7, 19, 3]


@pytest.mark.backend
def test_what_goes_wrong_is_said_where_it_is_asked_for_and_the_threads_end():
    def broken(number):
        if number == 5:
            raise OSError("cannot read 5")
        return late(number)

    seen, before = [], threading.active_count()
    with pytest.raises(OSError, match="cannot read 5"):
        for images, _ in in_order(broken, range(10)):
            seen.append(int(images[0]))
    assert seen == [0, 1, 2, 3, 4]
    left = in_order(late, range(1000))
    next(left)
    left.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


@pytest.mark.backend
def test_batches_are_made_ahead_and_waiting_is_measured():
    clock = InputClock()

    def slow(number):
        time.sleep(0.02)
        return np.zeros(1), np.zeros(1)

    for _ in clock.timed(Stepwise(slow, range(8))):
        time.sleep(0.1)
    assert 0.02 <= clock.seconds() < 0.1  # the first one; the others were made ahead
    begun = time.perf_counter()
    waits = list(clock.timed(Stepwise(slow, range(8))))
    assert len(waits) == 8 and clock.seconds() <= 0.1 + time.perf_counter() - begun


@pytest.mark.backend
def test_fit_sees_each_batch_once_in_every_epoch_and_in_each_validation():
    seen = []

    class Note(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(float(logs["loss"]))

    same = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), same])
    model.compile(keras.optimizers.SGD(0.0), loss=lambda true, out: keras.ops.mean(out))
    made = Stepwise(lambda n: (np.full((2, 1), n, "float32"), np.zeros((2, 1))), range(4, 10))
    judged = Stepwise(lambda n: (np.full((2, 1), n, "float32"), np.zeros((2, 1))), range(3))
    options = {"steps_per_epoch": 3, "epochs": 2, "shuffle": False, "verbose": 0}
    history = model.fit(made, validation_data=judged, callbacks=[Note()], **options)
    assert seen == [4, 4.5, 5, 7, 7.5, 8]  # means of the batches so far, which are 4, 5, 6 and 7, 8, 9
    assert history.history["val_loss"] == [1, 1]


def boxes():
    rows = np.tile(np.array([[1, 1, 4, 4, 0], [0, 0, 0, 0, ABSENT]], np.float32), (50, 1, 1))
    return load((X, rows), targets="boxes")


def masks():
    return load((X, (X[..., 0] > 128).astype("uint8")), targets="masks")


CASES = {
    "plain": lambda: plain_batches(load((X, Y)), "train", 7),
    "shuffled": lambda: batches(load((X, Y)), "train", 7, seed=3, epochs=(1, 4)),
    "augmented": lambda: batches(load((X, Y)), "train", 7, seed=3, augment=FLIP),
    "mixed": lambda: batches(
        load((X, Y)), "train", 7, augment=Pipeline(CutMix()).prepared("abcde"), class_weight={1: 2.0}
    ),
    "own": lambda: batches(load((X, Y)), "train", 7, augment=lambda images, indices, epoch, seed: images / 2),
    "classes": lambda: batches(load((X, Y)), "train", None, sampler=ClassBatches(3, 2), augment=FLIP),
    "balanced": lambda: batches(load((X, Y)), "train", 6, sampler=Balanced(), class_weight={0: 3.0}),
    "views": lambda: batches(load((X, Y)), "train", None, sampler=ViewBatches(4), augment=FLIP),
    "pairs": lambda: pair_batches(load((X, Y)), "train", 8, augment=FLIP),
    "boxes": lambda: batches(boxes(), "train", 8, augment=Pipeline(Mosaic(), RandomFlip("horizontal")).prepared("a")),
    "masks": lambda: batches(masks(), "train", 8, augment=FLIP, weigh=lambda mask: mask / 2, epochs=(0, 2)),
    "weighted": lambda: batches(masks(), "train", 8, class_weight={1: 2.0}),
    "noise": lambda: batches(load((X, X), targets="images"), "train", 8, augment=FLIP, corrupt=Gaussian(25), seed=2),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_other_backends_see_the_batches_of_tensorflow(case, monkeypatch):
    theirs = list(case().as_numpy_iterator())
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    ours = case()
    assert isinstance(ours, Stepwise) and len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        keras.tree.assert_same_structure(one, other)
        for mine, its in zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True):
            assert mine.dtype == its.dtype
            np.testing.assert_array_equal(mine, its)
