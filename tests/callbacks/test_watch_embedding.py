from functools import partial

import keras
import numpy as np
import pytest

from kerascnn import losses, metrics
from kerascnn.callbacks import HarderTriplets, KeepBest, Resume, WatchEmbedding
from kerascnn.callbacks.watch_embedding import spread_of

IMAGES = np.arange(8, dtype="float32").reshape(4, 2, 1, 1)
LABELS = np.array([0, 0, 1, 1])
MARGIN = 0.2


def tower(rate=0.0, start=1.0, loss="mse", shape=(2, 1, 1), **options):
    """Multiplies the pixels, as its embedding, by a weight."""
    image = keras.Input(shape)
    scale = keras.layers.DepthwiseConv2D(1, use_bias=False, depthwise_initializer=keras.initializers.Constant(start))
    network = keras.Model(image, keras.layers.Flatten()(scale(image)))
    network.compile(keras.optimizers.SGD(rate, **options), loss)
    return network


def recall(rows, labels):
    return metrics.retrieval(rows, labels, k=(1,))["recall_at_1"]


def fit(network, callbacks, epochs=1, **options):
    targets = np.zeros((4, 2), "float32")
    return network.fit(IMAGES, targets, batch_size=4, epochs=epochs, callbacks=callbacks, verbose=0, **options).history


def test_spread_is_that_of_all_pairs():
    rows = np.random.default_rng(0).normal(size=(9, 3))
    squares = np.sum((rows[:, None] - rows) ** 2, axis=-1)[np.triu_indices(9, 1)]
    spread, dimensions = spread_of(rows)
    assert spread == pytest.approx(np.sqrt(squares.mean()))
    assert 1 < dimensions < 3
    cross = np.concatenate([np.eye(3), -np.eye(3)])
    assert spread_of(cross)[1] == pytest.approx(3)
    assert spread_of(np.ones((4, 2))) == (0, 0)


@pytest.mark.backend
@pytest.mark.parametrize("validated", [False, True])
def test_the_figures_of_an_epoch(validated):
    network = tower()
    shares = partial(losses.triplet_shares, margin=9.0, distance="squared")
    watch = WatchEmbedding(network, IMAGES, LABELS, shares=shares, figures={"val_recall_at_1": recall}, batch_size=3)
    best = KeepBest("val_recall_at_1")
    options = {"validation_data": (IMAGES, np.zeros((4, 2), "float32"))} if validated else {}
    history = fit(network, [watch, best], **options)
    # the images are (0, 1), (2, 3), (4, 5), (6, 7): on a line, d^2 = 8, 32, 72
    assert history["spread"] == [pytest.approx(np.sqrt((3 * 8 + 2 * 32 + 72) / 6))]
    assert history["dimensions"] == [pytest.approx(1)]
    told = [history[name][0] for name in ("easy", "semi_hard", "hard")]
    assert told == pytest.approx([6 / 8, 0, 2 / 8])
    assert history["val_recall_at_1"] == [0.75] and best.value == 0.75  # the third finds the second


@pytest.mark.backend
def test_with_averaged_weights_the_figures_are_of_those_that_are_validated():
    network = tower(rate=0.01, use_ema=True, ema_momentum=0.9)
    watch = WatchEmbedding(network, IMAGES, LABELS)
    judged = IMAGES, np.zeros((4, 2), "float32")
    history = fit(network, [watch, KeepBest("val_loss")], epochs=2, validation_data=judged)
    assert history["spread"][1] == pytest.approx(spread_of(network.predict(IMAGES, verbose=0).astype(float))[0])
    plain = tower(rate=0.01)
    fit(plain, [], epochs=2)
    assert spread_of(plain.predict(IMAGES, verbose=0))[0] < 0.95 * history["spread"][1]


class Constant(keras.losses.Loss):
    """A loss of one value, with a gradient of 0."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred * 0, axis=-1) + self.value


def watched(loss=0.7, shift=0.0, **options):
    """A training whose embeddings are the images, and `shift` added to them, watched."""
    network = tower(loss=Constant(loss), rate=0.125)
    return network, WatchEmbedding(network, IMAGES + np.float32(shift), LABELS, margin=MARGIN, **options)


def test_a_collapse_is_stopped_in_its_second_epoch():
    ends = []
    after = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(epoch))
    network, watch = watched(shift=1000)  # spread 5.2 at length 1419
    told = (
        r"collapsed to a point: the spread is 5\.\d at length 1\.4e\+03, for 2 epochs up to epoch 2, at learning rate "
        r"0\.125\. Try.*mining='semi-hard'.*larger batch"
    )
    with pytest.raises(ArithmeticError, match=told):
        fit(network, [watch, after], epochs=5)
    assert ends == [0]


def test_a_spread_of_more_than_a_hundredth_goes_on():
    network, watch = watched(shift=300)  # spread 5.2 at length 429
    assert len(fit(network, [watch], epochs=3)["spread"]) == 3


@pytest.mark.parametrize(("loss", "stops"), [(0.2001, True), (0.1999, True), (0.205, False)])
def test_a_loss_at_the_margin_is_stopped_after_the_patience(loss, stops):
    network, watch = watched(loss=loss, patience=3)
    if not stops:
        assert len(fit(network, [watch], epochs=4)["loss"]) == 4
        return
    with pytest.raises(ArithmeticError, match=r"The loss sits at the margin, 0\.2, .*for 3 epochs up to epoch 3, "):
        fit(network, [watch], epochs=4)


def test_a_resumed_run_counts_on(tmp_path):
    network, watch = watched(loss=MARGIN, patience=3)
    fit(network, [watch, Resume(tmp_path / "state.npz", [watch])], epochs=2)
    network, watch = watched(loss=MARGIN, patience=3)
    resume = Resume(tmp_path / "state.npz", [watch])
    with pytest.raises(ArithmeticError, match="for 3 epochs up to epoch 3, "):
        fit(network, [watch, resume], epochs=9, initial_epoch=resume.first_epoch)


def test_what_is_no_number_is_left_to_others():
    network = tower(start=float("nan"))
    watch = WatchEmbedding(network, IMAGES, LABELS, figures={"val_recall_at_1": recall}, margin=1.0)
    history = fit(network, [watch], epochs=3)
    assert np.isnan([history[name] for name in ("spread", "dimensions", "val_recall_at_1")]).all()


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`images` and `labels` must have one entry"):
        WatchEmbedding(tower(), IMAGES, LABELS[:3])
    with pytest.raises(ValueError, match="`images` must be two at least"):
        WatchEmbedding(tower(), IMAGES[:1], LABELS[:1])
    with pytest.raises(ValueError, match=r"`margin` must be in \(0, inf\)"):
        WatchEmbedding(tower(), IMAGES, LABELS, margin=0)
    with pytest.raises(ValueError, match=r"have a variable `hardness`.*mining='curriculum'"):
        HarderTriplets(losses.Triplet(), 4)


def test_the_loss_of_each_epoch_is_of_its_hardness():
    """One semi-hard triplet of loss 3 and one hard one of loss 6, weighted by 1 - h and h."""
    loss = losses.Triplet(margin=4.0, distance="euclidean", mining="curriculum")
    network = tower(loss=loss, shape=(1, 1, 1))
    images, labels = np.float32([0, 3, 1]).reshape(3, 1, 1, 1), np.array([0, 0, 1])
    # anchor 0: d(a, p) = 3, d(a, n) = 1, hard, 6; anchor 3: d(a, p) = 3, d(a, n) = 2, hard, 5
    assert network.evaluate(images, labels, verbose=0) == 0
    history = network.fit(
        images, labels, epochs=4, batch_size=3, verbose=0, callbacks=[HarderTriplets(loss, 2, start=1, most=0.5)]
    ).history
    assert history["hardness"] == [0, 0, 0.25, 0.5]
    np.testing.assert_allclose(history["loss"], [0, 0, 5.5, 5.5])
    semi = np.float32([0, 1, 3]).reshape(3, 1, 1, 1)  # anchor 0: 1 - 3 + 4; anchor 1: 1 - 2 + 4, both semi-hard
    assert network.evaluate(semi, labels, verbose=0) == pytest.approx(2.5)
    loss.hardness.assign(1.0)
    assert network.evaluate(semi, labels, verbose=0) == 0
