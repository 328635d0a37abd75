"""Training with auxiliary classifiers that vanish at inference (Szegedy et al. 2015, GoogLeNet)."""

import keras


@keras.saving.register_keras_serializable("kerascnn")
class Auxiliary(keras.Model):
    """A functional model whose first output is the answer and whose further outputs only add to the training loss.

    The loss is that of the first output, plus `auxiliary_weight` times the sum of the others' (each the same loss on
    the same targets). So `fit(x, y)` takes one target, metrics see the first output only, and outside training the
    model returns nothing else.

    >>> inputs = keras.Input((4,))
    >>> main, side = (keras.layers.Dense(3, "softmax", name=name)(inputs) for name in ("main", "side"))
    >>> model = Auxiliary(inputs, [main, side])
    >>> model(keras.ops.ones((2, 4))).shape[1], len(model(keras.ops.ones((2, 4)), training=True))
    (3, 2)
    >>> model.inference().count_params(), model.count_params()
    (15, 30)
    """

    def __init__(self, inputs, outputs, name=None, *, auxiliary_weight: float = 0.3, **kwargs):
        super().__init__(inputs, outputs, name=name, **kwargs)
        self.auxiliary_weight = auxiliary_weight

    def inference(self) -> keras.Model:
        """Returns the plain functional model of the first output; it shares this model's layers and weights."""
        return keras.Model(self.inputs, self.outputs[0], name=self.name)

    def call(self, inputs, training=None, mask=None):
        """Returns all outputs in training, otherwise the first: (batch, classes)."""
        outputs = super().call(inputs, training=training, mask=mask)
        return outputs if training else outputs[0]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Adds the weighted losses of the auxiliary outputs, where there are any in `y_pred`."""
        main, *others = y_pred if isinstance(y_pred, (list, tuple)) else [y_pred]
        loss = super().compute_loss(x, y, main, sample_weight, training)
        regularization = sum(self.losses)  # is in every compute_loss, and must count once
        for other in others:
            side = super().compute_loss(x, y, other, sample_weight, training) - regularization
            loss += self.auxiliary_weight * side
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Shows the metrics the first output only."""
        main = y_pred[0] if isinstance(y_pred, (list, tuple)) else y_pred
        return super().compute_metrics(x, y, main, sample_weight)

    def get_config(self):
        """The functional graph and the weight."""
        return {**super().get_config(), "auxiliary_weight": self.auxiliary_weight}
