import keras
import numpy as np
import pytest

from kerascnn.callbacks import Progress, StopOnNaN


def model(rate, **options):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.SGD(rate, **options), "mse")
    return network


X = np.ones((40, 1), "float32")


@pytest.mark.backend
@pytest.mark.parametrize("optimizer", ["constant", "schedule"])
def test_the_first_bad_batch_is_named_with_what_to_try(optimizer):
    rate = 1e30 if optimizer == "constant" else keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.0, 1e30])
    step_by_step = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)  # JAX must not run ahead
    with pytest.raises(FloatingPointError, match=r"epoch 1, step [23], at learning rate 1e\+30. Try.*`clip_norm=1.0`"):
        model(rate).fit(X, X, batch_size=10, epochs=2, verbose=0, callbacks=[StopOnNaN(), step_by_step])


@pytest.mark.backend
@pytest.mark.parametrize("validation", [None, (X, X)])
def test_the_last_batch_of_an_epoch_counts_too(validation):
    ends = []
    after = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(epoch))
    with pytest.raises(FloatingPointError, match="epoch 1, step 1, "):
        model(0.1).fit(
            X, np.nan * X, batch_size=40, validation_data=validation, verbose=0, callbacks=[StopOnNaN(), after]
        )
    assert ends == []  # nothing keeps or saves that epoch


@pytest.mark.backend
def test_a_healthy_training_goes_through():
    history = model(0.01).fit(X, X, batch_size=10, epochs=2, verbose=0, callbacks=[StopOnNaN()]).history
    assert len(history["loss"]) == 2


@pytest.mark.backend
def test_keras_need_not_wait_for_each_step():
    """TensorFlow's fit reads every step's figures anyway; JAX's runs ahead where all callbacks allow it."""
    callbacks = keras.callbacks.CallbackList([StopOnNaN(), Progress(1, 1)])
    assert callbacks._async_train == (keras.backend.backend() != "tensorflow")
