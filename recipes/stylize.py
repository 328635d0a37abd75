"""This image, painted like that one. The recipe for style transfer: an optimized image, or a network for one style."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from kerascnn import checks, inspect, models, optimizers, plots, schedules, stylizing, training
from kerascnn import data as datasets
from kerascnn.models.registry import parse
from kerascnn.reports import Report
from kerascnn.training import Result
from recipes import _pretrained, _scene, _styles
from recipes._arguments import alone

LEVELS = 5.0  # of 0..255 by which a step of Adam changes an image
RATE = 1e-3  # at which a network learns, at most


@alone
def stylize(
    content: str | Path | np.ndarray,
    style: str | Path | Sequence[str | Path] | np.ndarray | Mapping[str | Path, float],
    *,
    data: str | Path | datasets.Data | tuple | None = None,
    backbone: str | Path | Result | keras.Model = "efficientnet_lite0",
    weights: str | Path | Result | keras.Model | None = "imagenet",
    content_layers: Sequence[str] | None = None,
    style_layers: Sequence[str] | None = None,
    content_weight: float = 5.0,
    style_weight: float = 100.0,
    variation: float = 50.0,
    keep_colors: bool = False,
    image_size: int = 512,
    scales: int = 2,
    start: str | Path | np.ndarray = "content",
    optimizer: Literal["adam", "lbfgs"] = "adam",
    steps: int = 200,
    learning_rate: float | None = None,
    model: str | Callable | None = None,
    epochs: int = 2,
    batch_size: int = 4,
    train_size: int = 256,
    validation: float = 0.1,
    seed: int = 0,
    save_to: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | Literal["auto"] = "auto",
) -> Result:
    """Paints an image in the style of another, or with `data` trains a network that does so with any image.

    The image is changed until a backbone sees the content's maps in it, and the style's Gram matrices, which say what
    responds together and not where (Gatys et al. 2015, https://arxiv.org/abs/1508.06576). `extras["image"]` is the
    result, `(height, width, 3)` in uint8, and `model` a small model whose weight it is. In `save_to` it is `image.png`,
    and `stylized.png` shows it beside content and style; `steps/` has the image every 50 steps.

    With `data` a network learns the style from many content images (Johnson et al. 2016,
    https://arxiv.org/abs/1603.08155): `model` paints images of any size at once, and `content` is its example. The
    arguments from `scales` to `steps` are then not asked.

    Args:
        content: the image to paint, a file or in Python an array `(height, width, 3)`.
        style: the image that shows how, or several, each of which counts alike; in Python also `{"a.jpg": 0.7,
            "b.jpg": 0.3}`.
        data: content images, as `classify` takes them, whose classes do not matter, for a network; None for one image.
        backbone: what looks at images: a name of `backbones.BACKBONES`, the folder of a run, a .keras file; in Python
            also a Result or a network. Layers are known for VGG and EfficientNet-Lite; name them for others.
        weights: "imagenet", or another network's; those of "vgg19" are downloaded, "efficientnet_lite0" needs none.
        content_layers: layers whose maps the content keeps; deeper ones keep less. None takes those that suit.
        style_layers: layers whose Gram matrices make the style; deeper ones bring larger shapes.
        content_weight: of the content's loss, a share of what a layer sees.
        style_weight: of the style's loss, likewise.
        variation: weight of the differences of neighbouring pixels: more is smoother.
        keep_colors: transfers the style to the luminance and keeps the content's colours.
        image_size: pixels of the longer side of the result and of each style; smaller images stay as they are.
        scales: sizes that the image is painted at, one after the other, each twice as large as the one before.
        start: "content", "noise", or an image to go on from.
        optimizer: "adam", or the paper's "lbfgs", which took twice as long for a loss that was no lower.
        steps: of the optimizer at each scale.
        learning_rate: of Adam, None for 5 levels of 0..255 a step; of a network the peak, None for 0.001.
        model: the network that is trained, "stylizer" with arguments, such as "stylizer(filters=16, blocks=3)"; in
            Python also a builder `f(image_shape, channels)`.
        epochs: passes over `data`.
        batch_size: images of `data` a step.
        train_size: pixels of the sides of the images of `data`.
        validation: share of `data` that says which epoch is best, where there is no such split.
        seed: fixes noise, split, order and the network's first weights.
        save_to: folder for the image, the model and their figures. The same call goes on after a kill, or shows the
            finished run.
        callbacks: further Keras callbacks for the training of a network.
        verbose: "auto" a live display, 2 lines, 0 nothing.

    Examples:
        python -m recipes stylize --content photo.jpg --style painting.jpg
    """
    backbone, weights, style = _pretrained.plain(backbone), _pretrained.plain(weights), _scene.plain(style)
    content_layers, style_layers = _scene.listed(content_layers), _scene.listed(style_layers)
    arguments = dict(locals())
    _check(**arguments)
    folder = training.RunFolder.open(save_to, arguments)
    if folder.ended:
        return training.load(folder.path)
    training.set_seed(seed)
    network = _pretrained.network(backbone)
    lower, _ = _pretrained.trunk(network, _pretrained.network(weights), "convolutional", (None, None, 3), 1000)
    content_layers, style_layers = stylizing.suited_layers(lower, content_layers, style_layers)
    seen = stylizing.extractor(lower, content_layers, style_layers)
    scene = _scene.scene(content, style, image_size=image_size, channels=seen.input_shape[-1])
    _scene.check_sizes(scene, seen, scales if data is None else 1)
    _scene.check_images(folder, scene)
    shown = scene.grey() if keep_colors else scene

    def goal_of(part: _scene.Scene) -> stylizing.Objective:
        weighted = content_weight, style_weight, variation
        return stylizing.objective(seen, len(content_layers), part.styles, part.shares, weighted)

    def gradient_at(scale: int) -> Callable:
        part = shown.smaller(2 ** (scales - 1 - scale))
        goal = goal_of(part)
        maps = goal.content(part.content[None])
        return inspect.compiled_gradient(lambda images: goal.parts(images, maps))

    if data is None:
        with training.bar("stylize", scales * steps, "steps", verbose) as advance:
            painted = stylizing.paint(
                _scene.begun(start, shown.content, seed), shown.sizes(scales), gradient_at, steps=steps,
                descent=stylizing.Lbfgs() if optimizer == "lbfgs" else stylizing.Adam(learning_rate or LEVELS),
                file=folder.file("state.npz"), tell=advance, show=_styles.keeper(folder),
            )  # fmt: skip
        image = painted.image
    else:
        data = _styles.contents(data, seen, train_size, validation=validation, seed=seed)
        folder.check_data(data)
        network = _styles.built(model, seen.input_shape[1:])
        rate = schedules.named("one-cycle", learning_rate or RATE, epochs, datasets.steps_per_epoch(data, batch_size))
        network.compile(optimizers.make("adamw", rate, weight_decay=0.0), goal_of(shown).loss)
        fitted = training.run(
            network, data, epochs=epochs, batch_size=batch_size, seed=seed, monitor="val_loss", callbacks=callbacks,
            folder=folder, verbose=verbose,
        )  # fmt: skip
        image = fitted.model.predict(shown.content[None], verbose=0)[0]
    figures = _styles.judged(image, shown.content, goal_of(shown))
    if keep_colors:
        image = stylizing.with_colours(image, scene.content)
    image = np.rint(image).astype("uint8")
    pictures = {"image.png": lambda: image, "stylized.png": partial(plots.stylization, *scene.images, image)}
    if data is None:
        pictures["curves.png"] = partial(plots.descent, painted.history)
        fitted = _styles.fitted(painted, image)
    report = Report(None, figures, pictures)
    record = training.record(
        stylize, arguments, data=_styles.stands_for(content, image) if data is None else data,
        model=f"style of {_scene.names(style)}" if data is None else models.describe(model or "stylizer"),
        fitted=fitted, report=report,
        stylized={"style": _scene.names(style), "content_layers": content_layers, "style_layers": style_layers},
    )  # fmt: skip
    if data is None:  # of images that are shown to a network
        record |= dict.fromkeys(("best_epoch", "images_per_second", "input_wait"))
    result = training.finish(fitted, report, record, folder)
    return replace(result, extras={**result.extras, "image": image})


def _check(
    *, style, data, backbone, weights, content_weight, style_weight, variation, keep_colors, image_size, scales,
    optimizer, steps, learning_rate, model, epochs, batch_size, train_size, seed, verbose, **_others,
) -> None:  # fmt: skip
    """Raises ValueError or TypeError for what is wrong whatever the images are, before anything slow is begun."""
    _pretrained.check(backbone, weights)
    _scene.weighted(style)
    for name, value in {"content_weight": content_weight, "style_weight": style_weight, "variation": variation}.items():
        checks.in_range(name, value, 0, math.inf, ends="[)")
    counts = {"image_size": image_size, "scales": scales, "steps": steps, "epochs": epochs, "batch_size": batch_size}
    for name, value in (counts | {"train_size": train_size}).items():
        checks.positive_int(name, value)
    checks.one_of("optimizer", optimizer, ("adam", "lbfgs"))
    if learning_rate is not None:
        checks.in_range("learning_rate", learning_rate, 0, math.inf, ends="()")
    if learning_rate is not None and data is None and optimizer == "lbfgs":
        rule, mend = "be None for optimizer='lbfgs', which finds its steps", "Pass optimizer='adam', or leave it out."
        raise ValueError(checks.message("learning_rate", rule, learning_rate, mend))
    if keep_colors and data is not None:
        rule = "be False for a network, which is asked to paint in the colours of the style"
        mend = "`kerascnn.stylizing.with_colours(image, content)` brings those of the content back."
        raise ValueError(checks.message("keep_colors", rule, keep_colors, mend))
    if isinstance(model, str):
        parse(model, _styles.NETWORKS)
    checks.positive_int("seed", seed, least=0)
    checks.one_of("verbose", verbose, ("auto", 0, 1, 2))
