"""A detection network with everything around it: images of any size in, final boxes out."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.boxes import Decoder, suppressed
from kerascnn.layers.letterbox import Letterbox


@keras.saving.register_keras_serializable("kerascnn")
class Detector(keras.Model):
    """Finds the objects of raw images: `detector.predict(images)`.

    An image is brought to the size of the network, whose output is decoded; of boxes of one class that overlap, the
    one with the highest score stays (non-maximum suppression), and the boxes go back to the pixels of the image. What
    is trained is the `network`; the detector has no weights of its own.

    Called with images `(batch, height, width, channels)`, 0..255, of any size, it gives tensors: "boxes" `(batch, most,
    4)`, xyxy in pixels of these images; "scores" `(batch, most)`, highest first; "classes" `(batch, most)`, int32, -1
    for none; "count" `(batch,)`, int32.

    Args:
        network: a detection network, such as `small_detector` or `backbones.detector_on`.
        decoder: what its output says, see `boxes.Decoder`.
        class_names: of all classes that it knows.
        image_size: (height, width) in pixels that it sees.
        resize: "letterbox", "stretch" or "crop", see `layers.Letterbox`.
        score: the least that a box must have, in 0..1.
        iou: boxes of one class that overlap more are one, in 0..1.
        most: boxes an image.
        soft: None, or the sigma of Soft-NMS, see `boxes.suppressed`.
        name: of the model.

    >>> from kerascnn.boxes import AnchorFree
    >>> from kerascnn.models import small_detector
    >>> detector = Detector(small_detector((64, 64, 3), 2, filters=8), AnchorFree(), ["cat", "dog"], (64, 64))
    >>> detector.predict(np.zeros((1, 80, 120, 3), "uint8"))["names"].shape
    (1, 100)
    """

    def __init__(
        self,
        network: keras.Model,
        decoder: Decoder,
        class_names: Sequence[str],
        image_size: tuple[int, int],
        *,
        resize: str = "letterbox",
        score: float = 0.25,
        iou: float = 0.5,
        most: int = 100,
        soft: float | None = None,
        name: str = "detector",
    ):
        super().__init__(name=name, dtype="float32")
        self.network = network
        self.decoder = decoder
        self.class_names = tuple(map(str, class_names))
        self.image_size = tuple(image_size)
        self.resize = resize
        self.score = checks.in_range("score", score, 0, 1)
        self.iou = checks.in_range("iou", iou, 0, 1)
        self.most = checks.positive_int("most", most)
        self.soft = soft
        self.fit_size = Letterbox(*self.image_size, resize, dtype="float32", name="fit_size")
        self.jit_compile = keras.backend.backend() != "tensorflow"  # XLA sorts on one core
        self.built = True

    def call(self, inputs, training=None):
        """The boxes of a batch, as tensors."""
        found = suppressed(
            *self.decoder(self.network(self.fit_size(inputs), training=training)),
            iou=self.iou,
            score=self.score,
            most=self.most,
            soft=self.soft,
        )
        found["boxes"] = self.fit_size.restore(found["boxes"], tuple(inputs.shape[1:3]))
        return found

    def predict(
        self, images: Any, batch_size: int = 16, verbose: Any = 0
    ) -> dict[str, np.ndarray] | list[dict[str, np.ndarray]]:
        """The objects of raw images, 0..255, in pixels of each image, as NumPy arrays.

        `images` `(batch, height, width, channels)` gives what calling the detector gives, and "names" `(batch, most)`,
        the names of the classes, "" for none. A list of images `(height, width, channels)`, of any sizes, gives a list
        of dicts, each with "boxes" `(objects, 4)`, "scores", "classes" and "names" of what is in that image.
        `verbose` is that of other Keras models, and means nothing here.
        Raises: ValueError for images of other axes or channels.
        """
        checks.positive_int("batch_size", batch_size)
        alone = isinstance(images, (list, tuple))
        shapes = [self._checked(np.shape(image)) for image in (images if alone else images[:1])]
        parts = [self._predicted(images[start : start + batch_size]) for start in range(0, len(images), batch_size)]
        found = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if parts else self._nothing()
        sizes = shapes if alone else shapes * len(images)
        whole = [np.asarray(self.fit_size.restore(*pair)) for pair in zip(found["boxes"], sizes, strict=True)]
        found["boxes"] = np.stack(whole) if whole else found["boxes"]
        found["names"] = np.array([*self.class_names, ""], object)[found["classes"]]
        return list(_each(found)) if alone else found

    def raw(self, images: Any) -> Any:
        """The output of the network for images of its own size, a tensor."""
        return self.network(images, training=False)

    def with_(self, **changes: Any) -> "Detector":
        """A detector with other options, such as `score=0.5` or `most=10`, and the same network, weights included."""
        return type(self)(**{**self._options(), "network": self.network, "decoder": self.decoder, **changes})

    def with_network(self, network: keras.Model) -> "Detector":
        """A detector with another network in the place of its own, as `layers.unfuse` needs it."""
        return self.with_(network=network)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        network = keras.saving.serialize_keras_object(self.network)
        network.pop("compile_config", None)  # its loss is for training
        return {**self._options(), "network": network, "decoder": keras.saving.serialize_keras_object(self.decoder)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> "Detector":
        """The detector that `get_config` described."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects) for name in ("network", "decoder")
        }
        return cls(**{**config, **parts})

    def _options(self):
        names = ("class_names", "image_size", "resize", "score", "iou", "most", "soft", "name")
        return {name: getattr(self, name) for name in names}

    def _predicted(self, images) -> dict[str, np.ndarray]:
        """The objects of a batch, in pixels of the network: one compiled function serves images of all sizes."""
        if isinstance(images, (list, tuple)):
            fitted = ops.concatenate([self.fit_size(np.asarray(image)[None]) for image in images])
        else:
            fitted = self.fit_size(images)
        return self.predict_on_batch(fitted)

    def _nothing(self):
        types = {"boxes": ((0, self.most, 4), "float32"), "scores": ((0, self.most), "float32")}
        types |= {"classes": ((0, self.most), "int32"), "count": ((0,), "int32")}
        return {key: np.zeros(*each) for key, each in types.items()}

    def _checked(self, shape) -> tuple[int, int]:
        """(height, width) of an image of that shape."""
        shape = tuple(shape)[-3:]
        channels = self.network.input_shape[-1]
        if len(shape) != 3 or shape[-1] != channels:
            rule = f"be images (batch, height, width, {channels}), or a list of images (height, width, {channels})"
            raise ValueError(checks.message("images", rule, shape))
        return shape[:2]


def _each(found: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """What was found in each image, without the padding."""
    for number, count in enumerate(found["count"]):
        yield {key: values[number, :count] for key, values in found.items() if key != "count"}
