import time

import numpy as np
import tensorflow as tf

from kerascnn.data import InputClock, batches, load


def slow(seconds, count=5):
    def wait(index):
        time.sleep(seconds)
        return index

    return tf.data.Dataset.range(count).map(
        lambda index: tf.ensure_shape(tf.numpy_function(wait, [index], tf.int64), ())
    )


def test_a_slow_input_is_waited_for():
    clock = InputClock()
    begun = time.perf_counter()
    assert [int(each) for each in clock.timed(slow(0.05))] == [0, 1, 2, 3, 4]
    assert 0.25 <= clock.seconds() <= time.perf_counter() - begun


def test_a_slow_consumer_is_not():
    clock = InputClock()
    for _ in clock.timed(slow(0.02).prefetch(2)):
        time.sleep(0.1)
    assert 0.02 <= clock.seconds() < 0.1  # the first batch; the others were made ahead


def test_the_batches_stay_what_they_are_through_any_number_of_passes():
    x = np.arange(40 * 4, dtype="float32").reshape(40, 2, 2, 1)
    data = load(((x, np.arange(40) % 2), (x[:4], np.arange(4) % 2)))
    clock, plain = InputClock(), batches(data, "train", 8, epochs=(0, 2))
    timed = clock.timed(plain)
    assert timed.element_spec == plain.element_spec and timed.cardinality() == plain.cardinality() == 10
    assert not timed.options().autotune.enabled
    for _ in range(2):
        before = clock.seconds()
        for (images, targets), (own_images, own_targets) in zip(timed, plain, strict=True):
            np.testing.assert_array_equal(images, own_images)
            np.testing.assert_array_equal(targets, own_targets)
        assert clock.seconds() > before


def busy(seconds):
    """An augmentation that takes so long for each batch."""

    def augment(images, indices, epoch, seed):
        def late(images):
            time.sleep(seconds)
            return images

        return tf.ensure_shape(tf.numpy_function(late, [images], tf.uint8), images.shape)

    return augment


def test_the_clock_is_looked_at_in_time_while_all_workers_are_busy():
    data = load(((np.zeros((40, 2, 2, 1), "uint8"), np.arange(40) % 2), (np.zeros((2, 2, 2, 1), "uint8"), [0, 1])))
    clock = InputClock()
    iterator = iter(clock.timed(batches(data, "train", 1, augment=busy(0.02), epochs=(0, 2))))
    begun = time.perf_counter()
    assert sum(1 for _ in iterator) == 80
    assert clock.seconds() > 0.8 * (time.perf_counter() - begun)


def test_a_starved_training_says_so():
    import keras

    from kerascnn import training
    from kerascnn.losses import SparseCategoricalCrossentropy
    from kerascnn.metrics import SparseCategoricalAccuracy

    x, y = np.zeros((32, 2, 2, 1), "uint8"), np.arange(32) % 2
    data = load(((x, y), (x[:8], y[:8])))

    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", SparseCategoricalCrossentropy(), metrics=[SparseCategoricalAccuracy()])
    assert 1 > training.run(model, data, epochs=4, batch_size=4, augment=busy(0.2), verbose=0).input_wait > 0.4
