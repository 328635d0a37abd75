"""`Augment`: a pipeline as a layer of a model, on every backend of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import keras
from keras import ops

from kerascnn import checks
from kerascnn.augmentation import graph
from kerascnn.augmentation.engine import run
from kerascnn.augmentation.pipeline import Pipeline


@keras.saving.register_keras_serializable("kerascnn")
class Augment(keras.layers.Layer):
    """Applies `pipeline` to a batch in training, on the accelerator; does nothing otherwise.

    The same pictures as from `pipeline` itself, but for interpolation: values are not rounded to whole levels on the
    way. The draws are the layer's own, from `keras.random`, so they depend on the order of the batches. Where each draw
    is to be a function of the example, or the processor is idle, use the pipeline in `data.batches` instead. Batch
    operations take the next images of the batch as partners.

    Input: images `(batch, height, width, channels)`, uint8 or float in 0..255, or a dict as for `Pipeline`; height,
    width and channels are known. Output: the same, images in the compute dtype, labels as shares after a MixUp.

    Args:
        pipeline: a `Pipeline` that keeps the size of the images.
        seed: of the draws; None draws one.
        class_names: the names of the classes, where the pipeline needs them (`swap` by name, batch operations).

    Raises: TypeError if `pipeline` is none; ValueError when called, if it does not fit the images or their targets.

    >>> import numpy as np
    >>> from kerascnn.augmentation import Offset
    >>> layer = Augment(Pipeline(Offset((10, 10))))
    >>> image = np.full((1, 1, 1, 3), 250, "uint8")
    >>> np.asarray(layer(image, training=True)).tolist(), np.asarray(layer(image)).tolist()
    ([[[[255.0, 255.0, 255.0]]]], [[[[250.0, 250.0, 250.0]]]])
    """

    def __init__(self, pipeline: Pipeline, seed: int | None = None, class_names: Sequence[str] | None = None, **kwargs):
        super().__init__(autocast=False, **kwargs)  # boxes and masks keep their types
        if not isinstance(pipeline, Pipeline):
            mend = "Pass Pipeline(RandomFlip('horizontal'))."
            raise TypeError(checks.message("pipeline", "be a Pipeline", pipeline, mend))
        self.pipeline = pipeline
        self.seed = seed
        self.class_names = class_names if class_names is None else list(class_names)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Checks that the pipeline fits."""
        batch = input_shape if isinstance(input_shape, dict) else {"images": input_shape}
        self._fitting(batch["images"], batch)

    def call(self, inputs, training=False):
        """Changes the images and what belongs to them, in training."""
        batch = inputs if isinstance(inputs, dict) else {"images": inputs}
        if training:
            pipeline = self._fitting(batch["images"].shape, batch)
            batch = augmented(pipeline, batch, self.draw(pipeline, batch), self.seed_generator)
        images = ops.cast(batch["images"], self.compute_dtype)
        return batch | {"images": images} if isinstance(inputs, dict) else images

    def draw(self, pipeline: Pipeline, batch):
        """New draws for a batch: `(rows, draws)` in [0, 1), a row for each image, then for each of its partners."""
        rows = ops.shape(batch["images"])[0] * (1 + pipeline.others)
        return keras.random.uniform((rows, pipeline.plan.draws), dtype="float32", seed=self.seed_generator)

    def _fitting(self, shape, kinds) -> Pipeline:
        """The pipeline, with the indices of classes, for images of `shape`, or ValueError."""
        shape = tuple(shape)[1:]
        if len(shape) != 3 or None in shape:
            mend = "Build the model with keras.Input((height, width, channels))."
            raise ValueError(checks.message("inputs", "have a known height, width and channels", shape, mend))
        known = SimpleNamespace(image_shape=shape, class_names=self.class_names)
        return self.pipeline.checked(known, sorted(set(kinds) - {"images"}))

    def get_config(self):
        """The arguments, the pipeline as a plain dict."""
        own = {"pipeline": self.pipeline.to_dict(), "seed": self.seed, "class_names": self.class_names}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config):
        """The layer that `get_config` described."""
        return cls(**config | {"pipeline": Pipeline.from_dict(config["pipeline"])})


def augmented(pipeline: Pipeline, batch, u, keys):
    """What `pipeline` makes of a `batch` (a dict) of tensors by the draws `u`, with a Keras seed `keys` for noise.

    `u` is `(n * (1 + pipeline.others), pipeline.plan.draws)`; the partners of image i are images i + 1, i + 2, ...
    """
    rows = _with_partners(batch, pipeline.others)
    rows["images"] = ops.cast(rows["images"], "float32")
    return run(pipeline.plan, rows, u, graph, **pipeline.edges, keys=keys)


def _with_partners(batch, others):
    """The batch, and below it the batch rolled by 1, by 2, ... images."""
    if isinstance(batch, dict):
        return {name: _with_partners(leaf, others) for name, leaf in batch.items()}
    return ops.concatenate([ops.roll(batch, -k, axis=0) for k in range(1 + others)]) if others else batch
