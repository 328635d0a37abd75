import numpy as np
import pytest

from kerascnn.augmentation import (
    Brightness,
    Contrast,
    CutMix,
    Cutout,
    Elastic,
    Gamma,
    GaussianNoise,
    Identity,
    Invert,
    MixUp,
    Offset,
    OneOf,
    Pipeline,
    RandomCrop,
    RandomFlip,
    Rotate,
    Saturation,
    Shift,
    Zoom,
    host,
)  # fmt: skip
from kerascnn.augmentation.draws import uniforms
from kerascnn.augmentation.engine import run
from kerascnn.augmentation.mixing import grouped
from kerascnn.augmentation.plan import plan

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 10, 10, 3)).astype(np.uint8)
SMOOTH = np.tile(np.linspace(60, 160, 12, dtype=np.float32)[None, :, None, None], (6, 1, 12, 3)) + np.float32(
    [0, 10, 20]
)
INDICES = np.arange(6)


@pytest.fixture
def calls(monkeypatch):
    """The primitives that run, by name, with the number of images of each call."""
    made = []

    def watch(name):
        original = getattr(host, name)
        monkeypatch.setattr(
            host, name, lambda images, *a, **k: made.append((name, len(images))) or original(images, *a, **k)
        )

    for name in ("warp", "recolour", "pointwise"):
        watch(name)
    return made


def test_any_number_of_transforms_makes_one_warp_and_one_colour_pass(calls):
    colours = Brightness(0.2), Contrast(0.2), Saturation(0.2), Offset(9)
    Pipeline(Rotate(20), *colours[:2], Zoom(0.2), Elastic(1), Shift(0.2), *colours[2:]).apply(IMAGES, INDICES)
    assert calls == [("warp", 6), ("recolour", 6)]


def test_functions_of_values_make_one_table(calls):
    Pipeline(Invert(), Rotate(20), Gamma(0.5), Offset(9), Invert()).apply(IMAGES, INDICES)
    assert calls == [("warp", 6), ("pointwise", 6)]


def test_a_pixel_operation_is_waited_for_by_its_images_only(calls):
    gated = Cutout(0.3, p=0.5)
    u = uniforms(0, 0, INDICES, 4)  # rotation, gate, two of the cutout
    Pipeline(Rotate(20), gated, Zoom(0.1)).apply(IMAGES, INDICES)
    acted = int((u[:, 1] < 0.5).sum())
    assert 0 < acted < 6 and calls == [("warp", acted), ("warp", 6)]


def test_the_first_transform_is_the_first_to_move_a_point(monkeypatch):
    seen = []
    monkeypatch.setattr(host, "warp", lambda images, matrices, *rest, **known: seen.append(matrices) or images)
    Pipeline(Rotate(20), Zoom(0.2), Shift(0.2)).apply(IMAGES, INDICES)
    u = uniforms(0, 0, INDICES, 4)
    turn, zoom, shift = (
        t.matrices(u[:, part], (10, 10), np) for t, part in ((Rotate(20), [0]), (Zoom(0.2), [1]), (Shift(0.2), [2, 3]))
    )
    np.testing.assert_allclose(seen[0], shift @ zoom @ turn)


@pytest.mark.parametrize(
    "steps",
    [
        (Brightness((1.2, 1.2)), Offset((-20, -20)), Saturation((0.5, 0.5)), Contrast((0.8, 0.8))),
        (Offset((20, 20)), Invert(), Brightness((0.7, 0.7)), Gamma((1.3, 1.3)), Contrast((1.2, 1.2))),
        (Rotate((10, 10)), Invert(), Zoom((1.1, 1.1)), Brightness((0.9, 0.9))),
        (Offset((20, 20), p=0.5), Invert(p=0.5), Saturation((0.5, 0.5)), Cutout(0.5, p=0.5), Rotate((5, 5), p=0.5)),
    ],
    ids=repr,
)  # fmt: skip
def test_together_they_do_what_they_do_one_by_one(steps):
    whole, first = Pipeline(*steps, border="edge"), 0
    together, apart = whole.apply(SMOOTH, INDICES, 1, 2), SMOOTH
    draws = uniforms(2, 1, INDICES, whole.plan.draws)
    for step in steps:
        alone = plan(step)
        apart = run(alone, {"images": apart}, draws[:, first : first + alone.draws], host, border="edge")["images"]
        first += alone.draws
    np.testing.assert_allclose(together, apart, atol=2.5)
    assert np.abs(together - SMOOTH).max() > 5


def test_a_crop_counts_from_the_new_centre():
    image = np.zeros((1, 8, 8, 1), np.uint8)
    image[0, 3:5, 3:5] = 200
    cut = Pipeline(RandomCrop(4), border="zero").apply(np.tile(image, (50, 1, 1, 1)), np.arange(50))
    assert (
        cut.shape == (50, 4, 4, 1) and (cut.sum(axis=(1, 2, 3)) <= 800).all() and (cut.sum(axis=(1, 2, 3)) == 800).any()
    )
    turned = Pipeline(RandomCrop((6, 4)), Rotate((180, 180)), RandomFlip("vertical", p=0)).apply(IMAGES, INDICES)
    straight = Pipeline(RandomCrop((6, 4))).apply(IMAGES, INDICES)
    np.testing.assert_array_equal(turned, straight[:, ::-1, ::-1])


def test_operations_that_exclude_each_other_share_a_partner():
    assert Pipeline(OneOf(MixUp(), CutMix())).others == 1
    assert Pipeline(MixUp(p=0.5), CutMix(p=0.5)).others == 3
    assert Pipeline(OneOf(MixUp(), Identity()), Rotate(5), CutMix()).others == 3
    names = [
        [type(s.transform).__name__ for s in group] for group in grouped(plan(OneOf(MixUp(), CutMix(), Invert())).steps)
    ]
    assert names == [["MixUp", "CutMix"], ["Invert"]]


def test_noise_differs_from_step_to_step_and_from_image_to_image():
    grey = np.full((2, 16, 16, 1), 128, np.float32)
    once = Pipeline(GaussianNoise((9, 9))).apply(grey, np.arange(2)) - 128
    twice = Pipeline(GaussianNoise((9, 9)), GaussianNoise((9, 9))).apply(grey, np.arange(2)) - 128
    assert np.abs(np.corrcoef(once.reshape(2, -1))[0, 1]) < 0.3
    assert twice.std() / once.std() == pytest.approx(2**0.5, rel=0.15)
