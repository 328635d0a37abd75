import warnings

import keras

from kerascnn import data, training
from kerascnn.training import RunFolder


def steps_logged(folder):
    """The epochs whose loss the event files hold, in the order of writing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of protobuf and pkg_resources, within tensorboard
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(folder))
        events.Reload()
    return [event.step for event in events.Tensors("epoch_loss")]


def run(folder, epochs):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    network.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    folder = RunFolder.open(folder, {})
    callbacks = training.tensorboard(True, folder)
    return training.run(
        network, data.load("digits"), epochs=epochs, batch_size=256, folder=folder, callbacks=callbacks, verbose=0
    )


def test_events_are_written_and_a_resumed_run_goes_on_with_them(tmp_path):
    run(tmp_path, 2)
    assert steps_logged(tmp_path / "tensorboard" / "train") == [0, 1]
    assert len(run(tmp_path, 4).history["loss"]) == 4
    assert steps_logged(tmp_path / "tensorboard" / "train") == [0, 1, 2, 3]
    assert steps_logged(tmp_path / "tensorboard" / "validation") == [0, 1, 2, 3]
