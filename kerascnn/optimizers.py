"""AdamW and SGD as the literature runs them: decay of kernels only, clipping, averages, rates of layers."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from kerascnn import checks

NOT_DECAYED = ("bias", "gamma", "beta", "scale")
"""Parts of the names of weights that never decay: biases, norms' scales and shifts, LayerScale."""

Rate = float | keras.optimizers.schedules.LearningRateSchedule


class LayerRates:
    """For a Keras optimizer, in front of it in the list of bases: a factor of the learning rate for each layer.

    A variable's step and its weight decay are both multiplied by the factor of its layer, found by the parts of the
    variable's path, the innermost that is named; 1 where none is. Clipping comes before the factors.
    """

    def __init__(self, *args, layer_rates: Mapping[str, float], **kwargs):
        super().__init__(*args, **kwargs)
        for name, factor in layer_rates.items():
            checks.in_range(f"layer_rates[{name!r}]", factor, 0, float("inf"), ends="[)")
        self.layer_rates = {name: float(factor) for name, factor in layer_rates.items()}

    def factor(self, path: str) -> float:
        """The factor of the variable with this path, such as "block3/conv/kernel"."""
        return next((self.layer_rates[part] for part in reversed(path.split("/")) if part in self.layer_rates), 1.0)

    def update_step(self, gradient, variable, learning_rate):
        """Decays the variable and takes the optimizer's own step, both at the layer's rate."""
        named = self._trainable_variables[self._get_variable_index(variable)]  # TensorFlow's own have no path
        rate = ops.cast(learning_rate, variable.dtype) * self.factor(named.path)
        if self.weight_decay and self._use_weight_decay(named):
            self.assign_sub(variable, variable * ops.cast(self.weight_decay, variable.dtype) * rate)
        super().update_step(gradient, variable, rate)

    def get_config(self):
        """The optimizer's arguments and the factors."""
        return {**super().get_config(), "layer_rates": dict(self.layer_rates)}

    def _apply_weight_decay(self, variables):
        """Nothing: `update_step` does it."""


@keras.saving.register_keras_serializable("kerascnn")
class LayerwiseAdamW(LayerRates, keras.optimizers.AdamW):
    """Keras' AdamW with a factor of the learning rate for each layer."""


@keras.saving.register_keras_serializable("kerascnn")
class LayerwiseSGD(LayerRates, keras.optimizers.SGD):
    """Keras' SGD with a factor of the learning rate for each layer."""


class Accumulates:
    """For a Keras optimizer, in front of it in the list of bases: schedule and averages go by updates, not by batches.

    Keras itself divides the sum of the gradients, and counts Adam's steps in updates.
    """

    def _get_current_learning_rate(self):
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return super()._get_current_learning_rate()

    def _update_model_variables_moving_average(self, trainable_variables):
        averages = self._model_variables_moving_average if self.use_ema else []
        before = [average * 1 for average in averages]  # as they are now
        super()._update_model_variables_moving_average(trainable_variables)
        is_update = ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)
        for average, earlier in zip(averages, before, strict=True):
            average.assign(ops.where(is_update, average.value, earlier))


@keras.saving.register_keras_serializable("kerascnn")
class AccumulatingAdamW(Accumulates, LayerRates, keras.optimizers.AdamW):
    """`LayerwiseAdamW` whose updates are made of several batches."""


@keras.saving.register_keras_serializable("kerascnn")
class AccumulatingSGD(Accumulates, LayerRates, keras.optimizers.SGD):
    """`LayerwiseSGD` whose updates are made of several batches."""


def adamw(
    learning_rate: Rate,
    *,
    weight_decay: float = 1e-2,
    clip_norm: float | None = None,
    ema: float | None = None,
    layer_rates: Mapping[str, float] | None = None,
    accumulate: int = 1,
) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101) without decay on biases and norms.

    A step takes `learning_rate * weight_decay` of each kernel away. `clip_norm` bounds the norm of all gradients
    together. `ema` in (0, 1) keeps averages of the weights with that momentum, which `fit` puts in place when it ends.
    `layer_rates` multiplies the rate, decay included, of the layers that it names, as `backbones.layer_rates` makes it.
    `accumulate` batches make one update, with the mean of their gradients: without statistics of batches in the network
    the one of a batch so many times as large. Schedule, averages and Adam's steps count updates.
    Keras saves no exclusions: an optimizer loaded from a file decays biases and norms too, so compile with a new one.

    >>> adamw(1e-3, clip_norm=1.0).global_clipnorm
    1.0
    """
    options = _shared(learning_rate, weight_decay, clip_norm, ema) | {"weight_decay": weight_decay}
    kinds = keras.optimizers.AdamW, LayerwiseAdamW, AccumulatingAdamW
    return _sparing(_of_kind(kinds, layer_rates, accumulate, options))


def sgd(
    learning_rate: Rate,
    *,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    clip_norm: float | None = None,
    ema: float | None = None,
    layer_rates: Mapping[str, float] | None = None,
    accumulate: int = 1,
) -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum, without decay on biases and norms.

    `weight_decay` has the meaning of the papers and of torch, where the decay is a part of the gradient and momentum
    multiplies it by `1 / (1 - momentum)`. Keras decays apart from momentum, so its optimizer is given the multiple: a
    step takes `learning_rate * weight_decay / (1 - momentum)` of each kernel away. The other arguments are `adamw`'s.

    >>> round(sgd(0.1, momentum=0.9, weight_decay=5e-4).weight_decay, 9)
    0.005
    """
    checks.in_range("momentum", momentum, 0, 1, ends="[)")
    options = _shared(learning_rate, weight_decay, clip_norm, ema)
    options |= {"momentum": float(momentum), "nesterov": True, "weight_decay": weight_decay / (1 - momentum)}
    kinds = keras.optimizers.SGD, LayerwiseSGD, AccumulatingSGD
    return _sparing(_of_kind(kinds, layer_rates, accumulate, options))


OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {"adamw": adamw, "sgd": sgd}


RATES: dict[str, float] = {"adamw": 1e-3, "sgd": 0.2}
"""Peak learning rates that suit batches of about 128."""


def suited(optimizer: str, learning_rate: float | None, model: keras.Model) -> tuple[str, float]:
    """The name and the peak rate to train `model` with, where the one is "auto" or the other None.

    "auto" is "sgd" for a network that normalises its batches, whose long steps need that to stay stable, and "adamw"
    for others. The rate is then that of `RATES`. Raises: ValueError for an unknown name or a rate not above 0.

    >>> suited("auto", None, keras.Sequential([keras.layers.Dense(1)]))
    ('adamw', 0.001)
    """
    checks.one_of("optimizer", optimizer, ("auto", *OPTIMIZERS))
    if learning_rate is not None:
        checks.in_range("learning_rate", learning_rate, 0, float("inf"), ends="()")
    if optimizer == "auto":
        normalised = any(weight.name == "moving_variance" for weight in model.weights)  # at any depth
        optimizer = "sgd" if normalised else "adamw"
    return optimizer, RATES[optimizer] if learning_rate is None else learning_rate


def make(
    optimizer: str | keras.optimizers.Optimizer | Callable[..., keras.optimizers.Optimizer],
    learning_rate: Rate,
    accumulate: int = 1,
    **options: Any,
) -> keras.optimizers.Optimizer:
    """The optimizer of a name ("adamw", "sgd") or function, made with `learning_rate` and `options`.

    An option that is None takes the function's default. A Keras optimizer comes back as it is, its own rate included.
    Raises: ValueError for an unknown name, and for a Keras optimizer that should `accumulate` the gradients of several
    batches.

    >>> make("sgd", 0.1, momentum=0.8).momentum
    0.8
    """
    checks.positive_int("accumulate", accumulate)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if accumulate > 1:
            mend = "Make it with gradient_accumulation_steps=."
            raise ValueError(
                checks.message("accumulate", "be 1 for an optimizer that is made already", accumulate, mend)
            )
        return optimizer
    if not callable(optimizer):
        optimizer = OPTIMIZERS[checks.one_of("optimizer", optimizer, OPTIMIZERS)]
    if accumulate > 1:
        options["accumulate"] = accumulate
    return optimizer(learning_rate, **{name: value for name, value in options.items() if value is not None})


def _shared(learning_rate: Rate, weight_decay: float, clip_norm: float | None, ema: float | None) -> dict[str, Any]:
    """The arguments that all optimizers of Keras take, checked."""
    if not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        learning_rate = float(checks.in_range("learning_rate", learning_rate, 0, float("inf"), ends="[)"))
    checks.in_range("weight_decay", weight_decay, 0, float("inf"), ends="[)")
    options: dict[str, Any] = {"learning_rate": learning_rate}
    if clip_norm is not None:
        options["global_clipnorm"] = float(checks.in_range("clip_norm", clip_norm, 0, float("inf"), ends="()"))
    if ema is not None:
        options |= {"use_ema": True, "ema_momentum": checks.in_range("ema", ema, 0, 1, ends="()")}
    return options


def _of_kind(kinds, layer_rates: Mapping[str, float] | None, accumulate: int, options) -> keras.optimizers.Optimizer:
    """An optimizer of Keras' own kind, or of the one with rates of layers, or of the one that accumulates too."""
    plain, layerwise, accumulating = kinds
    if checks.positive_int("accumulate", accumulate) > 1:
        return accumulating(layer_rates=layer_rates or {}, gradient_accumulation_steps=accumulate, **options)
    return plain(**options) if layer_rates is None else layerwise(layer_rates=layer_rates, **options)


def _sparing(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    # TensorFlow shows Keras "upscale/kernel:0" for a name, of which only the last part is the weight's own.
    optimizer.exclude_from_weight_decay(var_names=[f"{part}[^/]*$" for part in NOT_DECAYED])
    return optimizer
