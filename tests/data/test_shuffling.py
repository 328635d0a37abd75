import numpy as np
import pytest

from kerascnn.data.shuffling import orders, shuffled

SIZES = [1, 2, 3, 4, 5, 20, 255, 1259, 4096, 4097, 65_535, 65_536, 65_538, 2**17, 2**17 + 1, 2**18, 2**26 + 3]
MENDED = 2**16 + 1, 2**18 + 1  # TensorFlow gives one example twice, and one never: its blocks are a bit too short


@pytest.mark.parametrize("size", SIZES)
def test_the_order_is_that_of_tensorflow(size):
    import tensorflow as tf

    places = np.unique(np.r_[: min(size, 300), max(0, size - 50) : size])
    for key in ((0, 0), (5, 3), (2**31, 256), (2**40 + 3, 2**33 + 12)):
        theirs = tf.random.experimental.index_shuffle(tf.constant(places), tf.constant(key, tf.int64), size - 1)
        found = shuffled(places, *key, size)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, theirs)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 65_536, *MENDED])
def test_every_example_has_one_place(size):
    assert sorted(shuffled(np.arange(size), 1, 2, size).tolist()) == list(range(size))


@pytest.mark.parametrize(("size", "orders"), [(2, 2), (3, 6)])
def test_all_orders_of_few_examples_come_about_equally_often(size, orders):
    found = [tuple(shuffled(np.arange(size), 0, epoch, size).tolist()) for epoch in range(240)]
    counts = [found.count(order) for order in set(found)]
    assert len(counts) == orders
    assert max(counts) - min(counts) < 240 / orders


@pytest.mark.parametrize("size", [50, 70_000])
def test_steps_have_the_places_of_their_epoch_one_after_the_other(size):
    batch = 7
    steps = size // batch
    order = orders(size, batch, steps, seed=3)
    for step in (0, 1, steps - 1, steps, 65_536 // batch, 3 * steps + 2):
        epoch, place = divmod(step, steps)
        expected = shuffled(np.arange(place * batch, (place + 1) * batch), 3, epoch, size)
        np.testing.assert_array_equal(order(step), expected)
