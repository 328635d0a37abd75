import math

import numpy as np
import pytest
import scipy.stats
from PIL import Image, ImageEnhance, ImageOps

from kerascnn.augmentation import (
    AugMix,
    AutoContrast,
    Brightness,
    Contrast,
    Equalize,
    Identity,
    OneOf,
    Pipeline,
    Posterize,
    RandAugment,
    Rotate,
    Saturation,
    Sharpness,
    Shear,
    Shift,
    Solarize,
    TrivialAugment,
)
from kerascnn.augmentation.augmix import gammas
from kerascnn.augmentation.plan import plan

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (16, 20, 24, 3)).astype(np.uint8)
POLICIES = [RandAugment(), TrivialAugment(), AugMix()]
KINDS = [
    Identity, Shear, Shear, Shift, Shift, Rotate, Brightness, Saturation, Contrast, Posterize, Solarize, Sharpness,
    AutoContrast, Equalize,
]  # fmt: skip


def ends(choice):
    """The strengths of an operation that goes either way, and its axis."""
    (low, again), (high, twice) = (_strength(transform) for transform in choice.transforms)
    assert low == again and high == twice
    return low, high


def _strength(transform):
    return next(iter(vars(transform)[name] for name in ("degrees", "share") if name in vars(transform)))


def test_randaugment_has_torchvisions_table():
    # torchvision.transforms.RandAugment._augmentation_space(31, (331, 331)) at magnitude 9
    (choice,) = RandAugment(1, 9).expanded().transforms
    made = [each.transforms[0] if isinstance(each, OneOf) else each for each in choice.transforms]
    assert [type(each) for each in made] == KINDS and choice.weights is None
    x_slope, y_slope, x, y, turn = choice.transforms[1:6]
    for slope, axis in ((x_slope, "x"), (y_slope, "y")):
        assert [math.tan(math.radians(end)) for end in ends(slope)] == pytest.approx([-0.09, 0.09])
        assert slope.transforms[0].axes == axis
    for shift, axis in ((x, "x"), (y, "y")):
        assert [end * 331 for end in ends(shift)] == pytest.approx([-45, 45])
        assert shift.transforms[0].axes == axis
    assert ends(turn) == (-9, 9)
    for place in (6, 7, 8, 11):
        assert ends(choice.transforms[place]) == pytest.approx((0.73, 1.27))
    assert choice.transforms[9] == Posterize(7)
    assert choice.transforms[10].threshold == pytest.approx((178.5, 178.5))


@pytest.mark.parametrize("magnitude", range(0, 31, 5))
def test_bits_are_torchvisions(magnitude):
    bits = 8 - np.round(np.arange(31) / (30 / 4)).astype(int)
    (choice,) = RandAugment(1, magnitude).expanded().transforms
    assert choice.transforms[9].bits == bits[magnitude]


def test_trivialaugment_has_the_wide_table():
    # torchvision.transforms.TrivialAugmentWide._augmentation_space(31), at 224 pixels
    (choice,) = TrivialAugment().expanded().transforms
    assert [type(each) for each in choice.transforms] == KINDS
    x_slope, _, x, _, turn = choice.transforms[1:6]
    assert [math.tan(math.radians(end)) for end in x_slope.degrees] == pytest.approx([-0.99, 0.99])
    assert [end * 224 for end in x.share] == pytest.approx([-32, 32])
    assert turn.degrees == (-135, 135)
    assert choice.transforms[6].share == pytest.approx((0.01, 1.99)) == choice.transforms[11].share
    assert choice.transforms[9].bits == (2, 8) and choice.transforms[10].threshold == (0, 255)


def acted(policy, u, image):
    """What an operation of a one-layer policy makes of an image, by its number among fourteen and its other draws."""
    from kerascnn.augmentation import engine, host

    return engine.run(plan(policy), {"images": image[None]}, u[None], host)["images"][0]


def test_a_chosen_operation_is_pillows():
    image, steps = IMAGES[0], plan(RandAugment(1, 30))
    columns = {step.transform: step for step in steps.steps}

    def forced(transform):
        u = np.full(steps.draws, 0.5)
        for gate in columns[transform].gates:
            u[gate.column] = (gate.low + gate.high) / 2
        return acted(RandAugment(1, 30), u, image)

    pillow = Image.fromarray(image)
    wanted = {
        Equalize(): ImageOps.equalize(pillow),
        AutoContrast(): ImageOps.autocontrast(pillow),
        Posterize(4): ImageOps.posterize(pillow, 4),
        Solarize((0, 0)): ImageOps.solarize(pillow, 0),
        Saturation((1.9, 1.9)): ImageEnhance.Color(pillow).enhance(1.9),
        Brightness((1.9, 1.9)): ImageEnhance.Brightness(pillow).enhance(1.9),
        Identity(): pillow,
    }
    for transform, result in wanted.items():
        step = next((known for known in columns if _alike(known, transform)), None)
        np.testing.assert_allclose(forced(step).astype(int), np.asarray(result).astype(int), atol=1.01)


def _alike(one, other):
    if type(one) is not type(other) or not hasattr(one, "share"):
        return one == other
    return one.share == pytest.approx(other.share)


def test_each_operation_comes_as_often_as_any():
    steps, u = plan(RandAugment(2)), RNG.random((28_000, plan(RandAugment(2)).draws))
    for layer in (0, 1):
        own = steps.steps[layer * len(steps.steps) // 2 :][: len(steps.steps) // 2]
        kinds, counts = [], []
        for step in own:
            kinds.append((type(step.transform), getattr(step.transform, "axes", None)))
            counts.append(step.active(u).sum())
        totals = {kind: sum(c for k, c in zip(kinds, counts, strict=True) if k == kind) for kind in set(kinds)}
        assert len(totals) == 14 and sum(counts) == 28_000
        assert max(abs(total - 2000) for total in totals.values()) < 5 * 43.1  # standard deviations


def test_grey_images_have_no_saturation():
    for policy in (RandAugment(colour=False), TrivialAugment(colour=False)):
        assert not any(step.transform.needs_colour for step in plan(policy).steps)
        changed = Pipeline(policy).apply(IMAGES[..., :1], np.arange(16))
        assert changed.shape == (16, 20, 24, 1) and (changed != IMAGES[..., :1]).any()
    assert any(step.transform.needs_colour for step in plan(RandAugment()).steps)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_policies_keep_type_and_draws(policy, dtype):
    images, indices, pipeline = IMAGES.astype(dtype), np.arange(16), Pipeline(policy)
    before = images.copy()
    whole = pipeline.apply(images, indices, 2, 1)
    assert whole.dtype == dtype and whole.shape == images.shape and (images == before).all()
    assert whole.min() >= 0 and whole.max() <= 255
    apart = [pipeline.apply(images[i : i + 5], indices[i : i + 5], 2, 1) for i in range(0, 16, 5)]
    np.testing.assert_array_equal(np.concatenate(apart), whole)
    assert (pipeline.apply(images, indices, 3, 1) != whole).any()
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_a_share_of_the_images_is_left_alone(policy):
    from dataclasses import replace

    changed = Pipeline(replace(policy, p=0.0)).apply(IMAGES, np.arange(16))
    np.testing.assert_array_equal(changed, IMAGES)


def test_randaugment_moves_boxes_and_masks():
    mask = (IMAGES[..., 0] > 128).astype(np.uint8)
    boxes = {"boxes": np.tile(np.float32([4, 4, 12, 12]), (16, 1, 1)), "labels": np.zeros((16, 1), np.int32)}
    batch = {"images": IMAGES, "segmentation_masks": mask, "bounding_boxes": boxes}
    changed = Pipeline(RandAugment(3, 20)).apply(batch, np.arange(16))
    assert (changed["bounding_boxes"]["boxes"] != boxes["boxes"]).any()
    assert (changed["segmentation_masks"] != mask).any()


def test_augmix_is_a_mean_of_its_chains():
    grey = np.full((64, 8, 8, 3), 100, np.uint8)
    mixed = Pipeline(AugMix(severity=10)).apply(grey, np.arange(64)).astype(int)
    assert (mixed.min(axis=(1, 2, 3)) == mixed.max(axis=(1, 2, 3))).all()  # all operations leave one colour one colour
    assert len(np.unique(mixed[:, 0, 0, 0])) > 8  # between 155 (solarized), 96 (posterized) and 100
    assert mixed.min() >= 0 and mixed.max() <= 155


def test_augmix_weighs_by_its_first_draws():
    from kerascnn.augmentation import host

    augmix = AugMix(severity=10, width=2, depth=1)
    u = np.zeros((3, augmix.draws))
    chain = plan(augmix.chain())
    solarize = next(step for step in chain.steps if isinstance(step.transform, Solarize))
    equalize = next(step for step in chain.steps if isinstance(step.transform, Equalize))
    for start, step in ((4, solarize), (4 + chain.draws, equalize)):
        (gate,) = step.gates
        u[:, start + gate.column] = (gate.low + gate.high) / 2
    most = 1 - 1e-9
    u[:, :4] = [[most, 0, 0, most], [most, 0, most, 0], [0, most, 0, most]]  # two chains, the image, the mixture
    changed = augmix.pixels(IMAGES[:3], u, host, None)
    threshold = u[0, 4 + solarize.first]
    assert threshold == 0
    np.testing.assert_array_equal(changed[0], 255 - IMAGES[0])
    np.testing.assert_array_equal(changed[1], IMAGES[1])
    np.testing.assert_array_equal(changed[2], np.asarray(ImageOps.equalize(Image.fromarray(IMAGES[2]))))


@pytest.mark.parametrize(("depth", "shares"), [(-1, (1, 2 / 3, 1 / 3)), (2, (1, 1))])
def test_chains_are_one_to_three_deep(depth, shares):
    steps = plan(AugMix(depth=depth).chain())
    u = RNG.random((20_000, steps.draws))
    acts = np.array([np.ones(len(u), bool) if step.active(u) is None else step.active(u) for step in steps.steps])
    per_layer = acts.reshape(len(shares), 9, -1).sum(axis=(1, 2)) / len(u)
    np.testing.assert_allclose(per_layer, shares, atol=5 * 0.0034)


@pytest.mark.parametrize("shape", [0.1, 0.5, 1, 3, 100])
def test_gammas_are_gamma_distributed(shape):
    u = (np.arange(4000) + 0.5) / 4000
    drawn = gammas(u, shape, np)
    middle = slice(40, -40)
    np.testing.assert_allclose(scipy.stats.gamma(shape).cdf(drawn[middle]), u[middle], atol=2e-3)
    assert drawn.mean() == pytest.approx(shape, rel=0.02)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: RandAugment(0), "layers"),
        (lambda: RandAugment(magnitude=31), "magnitude"),
        (lambda: AugMix(11), "severity"),
        (lambda: AugMix(width=0), "width"),
        (lambda: AugMix(depth=0), "depth"),
        (lambda: AugMix(alpha=0), "alpha"),
        (lambda: TrivialAugment(p=2), "p"),
    ],
)
def test_arguments_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make()
