import numpy as np
import pytest

from kerascnn.augmentation import (
    AugMix,
    Brightness,
    Contrast,
    Cutout,
    Elastic,
    Hue,
    MixUp,
    Mosaic,
    Pipeline,
    QuarterTurn,
    RandAugment,
    RandomFlip,
    Rotate,
    Saturation,
    Shift,
    TrivialAugment,
    Zoom,
    auto,
    named,
)
from kerascnn.augmentation.policy import AROUND_BOXES, NAMES, TARGETS, kind
from kerascnn.data import load


class Set:
    """What `auto` looks at."""

    def __init__(self, name, class_names, image_shape=(32, 32, 3), train_size=1000):
        self.name, self.class_names, self.image_shape, self.train_size = (
            name,
            tuple(class_names),
            image_shape,
            train_size,
        )
        self.classes = len(self.class_names)


def kinds(data):
    return [type(transform) for transform in auto(data).transforms]


@pytest.mark.parametrize(
    ("name", "class_names"),
    [("digits", "0123456789"), ("emnist/letters", ["1", "10"]), ("mnist:3.0.1", "01"), ("my_folder", "abc")],
)
def test_writing_is_not_mirrored(name, class_names):
    assert RandomFlip not in kinds(Set(name, class_names)) and Rotate in kinds(Set(name, class_names))


def test_photographs_are_mirrored_and_large_sets_cut_out():
    assert kinds(Set("cifar10", ["cat", "dog"])) == [RandomFlip, Shift]
    assert kinds(Set("fashion_mnist", ["shirt", "bag"], (28, 28, 1), 54_000)) == [RandomFlip, Shift, Cutout]


def test_short_trainings_get_small_shifts_only():
    data = Set("cifar10", ["cat", "dog"], train_size=54_000)
    assert auto(data, 15) == Pipeline(RandomFlip("horizontal"), Shift(0.05)) == named("auto", data, 15)
    assert auto(data, 16) == Pipeline(RandomFlip("horizontal"), Shift(0.125), Cutout(0.25))


def test_arrays_without_class_names_are_mirrored_only_in_colour():
    x, y = np.zeros((20, 8, 8, 3), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None, None] * 9, np.arange(20) % 2
    assert kinds(load((x, y))) == [RandomFlip, Shift]
    assert kinds(load((x[..., :1], y))) == [Shift]
    assert kinds(load((x[..., :1], y), class_names=("cat", "dog"))) == [RandomFlip, Shift]


def test_signals_and_volumes_are_left_alone():
    assert auto(Set("volumes", ["cat", "dog"], (8, 8, 8, 1))) is None


def test_named_takes_every_kind():
    data, pipeline = Set("digits", "01"), Pipeline(Rotate(3))
    assert named(None, data) is None and named("none", data) is None
    assert named("auto", data) == auto(data) and named(pipeline, data) == pipeline

    def own(images, indices, epoch, seed):
        return images

    assert named(own, data) is own
    assert named(lambda images: images + 1, data)(1, None, None, None) == 2
    with pytest.raises(ValueError, match="`augment` must be one of.*'auto'.*Received: augment='flip'"):
        named("flip", data)


def test_a_keras_layer_is_called_with_images_only():
    import keras

    layer = keras.layers.RandomFlip("horizontal")
    images = np.ones((2, 4, 4, 1), np.float32)
    assert named(layer, Set("x", "ab"))(images, None, None, None).shape == (2, 4, 4, 1)


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        ("malaria:1.0.0", "microscopy"),
        ("colorectal_histology", "microscopy"),
        ("patch_camelyon", "microscopy"),
        ("Blood cells", "microscopy"),
        ("eurosat/rgb", "microscopy"),
        ("cellphones", "photos"),
        ("cifar10", "photos"),
        ("svhn", "writing"),
    ],
)
def test_the_kind_of_picture_is_told_by_the_name(name, preset):
    assert kind(Set(name, ["one thing", "another"])) == preset


def test_microscopy_has_all_eight_symmetries():
    data = Set("malaria", ["parasitized", "uninfected"], (6, 6, 3))
    assert kinds(data) == [RandomFlip, QuarterTurn, Brightness, Contrast, Saturation, Hue]
    images = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(1, 6, 6, 3).repeat(200, axis=0)
    seen = Pipeline(*auto(data).transforms[:2]).apply(images, np.arange(200))
    turned = [np.rot90(picture, k) for picture in (images[0], images[0][:, ::-1]) for k in range(4)]
    assert {picture.tobytes() for picture in seen} == {picture.tobytes() for picture in turned}


def test_grey_microscopy_has_no_stain():
    assert kinds(Set("cells", ["alive", "dead"], (64, 64, 1))) == [RandomFlip, QuarterTurn, Brightness, Contrast]


@pytest.mark.parametrize("name", ["cifar10", "malaria", "digits"])
@pytest.mark.parametrize("job", TARGETS)
def test_every_job_gets_what_its_targets_can_follow(name, job):
    data = Set(name, ["cat", "dog"], (64, 64, 3), 50_000)
    pipeline = named("auto", data, 20, job)
    chosen = {type(transform) for transform in pipeline.transforms}
    assert (Elastic in chosen) == (name == "malaria" and job == "segment")
    assert (Cutout in chosen) == (name == "cifar10" and TARGETS[job] == ("labels",))
    if job in ("denoise", "autoencode"):
        assert chosen <= {RandomFlip, QuarterTurn, Shift}  # all that interpolates nothing
    if job == "detect" and name == "cifar10":
        assert chosen == {Mosaic, RandomFlip, Zoom, Shift, Brightness, Contrast}
    assert (Mosaic in chosen) == (job == "detect" and name != "digits")
    assert (pipeline.border == "zero") == (name == "digits" or job in AROUND_BOXES)
    assert pipeline.min_visible == (0.5 if job == "localize" else 0.1)
    assert Mosaic not in {type(transform) for transform in named("auto", data, 15, job).transforms}
    with pytest.raises(ValueError, match="`job` must be one of.*Did you mean 'segment'"):
        auto(data, 20, "segmnt")


def test_presets_and_policies_go_by_name():
    data = Set("cifar10", ["cat", "dog"], train_size=50_000)
    assert named("writing", data) == Pipeline(Rotate(10), Zoom(0.1), Shift(0.1), border="zero")
    assert named("photos", Set("digits", "01", train_size=500)) == Pipeline(RandomFlip(), Shift(0.125))
    assert named("randaugment", data) == Pipeline(RandomFlip(), Shift(0.125), RandAugment())
    assert named("trivialaugment", Set("fashion_mnist", ["shirt", "bag"], (28, 28, 1))) == Pipeline(
        RandomFlip(), Shift(0.125), TrivialAugment(colour=False)
    )
    assert named("augmix", Set("digits", "01")).border == "zero"
    assert isinstance(named("augmix", data).transforms[-1], AugMix)


def test_spelling_is_checked_without_data(tmp_path):
    assert [named(name, None) for name in NAMES] == [None] * len(NAMES)
    with pytest.raises(ValueError, match="Did you mean 'randaugment'"):
        named("randaugmnt", None)
    with pytest.raises(ValueError, match="Or pass the path of a .yaml file"):
        named("?", None)
    with pytest.raises(ValueError, match="`augment` must be a file.*missing.yaml"):
        named(str(tmp_path / "missing.yaml"), None)
    with pytest.raises(ValueError, match="`augment` must be a Pipeline, a callable, None or one of 'auto'.*augment=3"):
        named(3, None)


def test_a_yaml_file_is_read(tmp_path):
    pipeline = Pipeline(RandomFlip("vertical", p=0.5), RandAugment(1, magnitude=4), border="edge")
    path = tmp_path / "mine.yaml"
    path.write_text(pipeline.to_yaml())
    assert named(str(path), Set("cifar10", ["cat", "dog"])) == named(path, None) == pipeline


def test_a_single_transform_is_a_pipeline():
    assert named(Rotate(5), Set("cifar10", ["cat", "dog"])) == Pipeline(Rotate(5))


@pytest.mark.parametrize(
    ("augment", "data", "job", "message"),
    [
        (Pipeline(Hue(0.1)), Set("x", ["cat", "dog"], (8, 8, 1)), "classify", "Hue.*needs three channels"),
        (Pipeline(Elastic()), Set("x", ["cat", "dog"]), "detect", "Elastic.*carries.*masks"),
        (Pipeline(RandomFlip(swap={"cat": "cow"})), Set("x", ["cat", "dog"]), "classify", "`swap` must hold classes"),
        ("photos", Set("x", ["cat", "dog"], (8, 8, 8, 1)), "classify", r"images that are not \(height, width"),
        ("augmix", Set("x", ["cat", "dog"], (8, 8, 8, 1)), "classify", r"images that are not \(height, width"),
        ("augmix", Set("x", ["cat", "dog"]), "segment", "AugMix"),
    ],
)
def test_what_does_not_fit_the_data_is_said_first(augment, data, job, message):
    with pytest.raises(ValueError, match=message):
        named(augment, data, 20, job)


def test_swapped_classes_are_prepared():
    data = Set("x", ["left hand", "right hand"])
    flip = named(RandomFlip(swap={"left hand": "right hand"}), data).transforms[0]
    assert flip.swap == {0: 1}


def dense(name, targets, class_names=("0", "1"), image_shape=(64, 64, 1)):
    data = Set(name, class_names, image_shape)
    data.targets = targets
    return data


@pytest.mark.parametrize(
    ("data", "preset"),
    [
        (dense("membrane", "masks"), "microscopy"),
        (dense("streets", "masks"), "photos"),  # numbers that only count the classes of masks are no writing
        (dense("arrays", "masks"), "anything"),
        (dense("scenes/fashion_mnist", "masks", ("background", "bag")), "scenes"),
        (dense("mnist", "images", ()), "writing"),
        (dense("cifar10", "images", ()), "photos"),
        (dense("arrays", "images", ()), "anything"),
    ],
)
def test_masks_and_images_have_their_presets(data, preset):
    assert kind(data) == preset
    for job in ("segment", "denoise"):
        assert named("auto", data, 20, job) == named(preset, data, 20, job)


def test_membranes_are_bent_as_in_the_paper():
    bent = [
        each for each in named("auto", dense("membrane", "masks", image_shape=(512, 512, 1)), 20, "segment").transforms
    ]
    assert Elastic(strength=10, grid=3) in bent and {RandomFlip, QuarterTurn} <= {type(each) for each in bent}


@pytest.mark.parametrize("augment", ["augmix", Pipeline(MixUp())])
def test_what_mixes_images_is_refused_where_images_are_sought(augment):
    with pytest.raises(ValueError, match="`augment` must fit the targets: .* Received: augment='target images'"):
        named(augment, dense("cifar10", "images", (), (32, 32, 3)), 20, "denoise")
