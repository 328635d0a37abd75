import keras
import numpy as np
import pytest

from kerascnn.callbacks import StopOnNaN


def test_the_first_bad_batch_is_named_with_what_to_try():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e30), "mse")
    x = np.ones((40, 1), "float32")
    with pytest.raises(FloatingPointError, match=r"epoch 1, step [23], at learning rate 1e\+30. Try.*`clip_norm=1.0`"):
        model.fit(x, x, batch_size=10, epochs=2, verbose=0, callbacks=[StopOnNaN()])


def test_a_healthy_training_goes_through():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((40, 1), "float32")
    history = model.fit(x, x, batch_size=10, epochs=2, verbose=0, callbacks=[StopOnNaN()]).history
    assert len(history["loss"]) == 2
