import numpy as np
import pytest

from kerascnn.augmentation import CutMix, MixUp, Mosaic, Pipeline, host
from kerascnn.augmentation.batch import partners
from kerascnn.augmentation.beta import symmetric_beta

HEIGHT, WIDTH = 8, 10


def groups(number, n=5, classes=4):
    """Batches of noise with every kind of target; the masks are the images' first channel."""
    rng = np.random.default_rng(0)
    for _ in range(number):
        images = rng.integers(0, 256, (n, HEIGHT, WIDTH, 3), "uint8")
        corners = rng.uniform(0, 5, (n, 2, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(0.5, 4, (n, 2, 2))], axis=-1).astype("float32")
        yield {
            "images": images,
            "labels": rng.integers(0, classes, n).astype("int32"),
            "segmentation_masks": images[..., 0].astype("int32") * 300,
            "bounding_boxes": {"boxes": boxes, "labels": rng.integers(-1, classes, (n, 2)).astype("int32")},
        }


def even(n, draws, seed=1):
    return np.random.default_rng(seed).random((n, draws))


@pytest.mark.parametrize("alpha", [0.2, 0.4, 1.0, 2.5, 32.0])
def test_quantiles_of_beta_are_those_of_scipy(alpha):
    stats = pytest.importorskip("scipy.stats")
    u = np.linspace(1e-3, 1 - 1e-3, 5001)
    found = symmetric_beta(u, alpha, np)
    np.testing.assert_allclose(stats.beta.cdf(found, alpha, alpha), u, atol=3e-4)
    np.testing.assert_allclose(found, stats.beta.ppf(u, alpha, alpha), atol=0.005 if alpha > 10 else 5e-4)
    assert (np.diff(found) >= 0).all()


def test_shares_of_beta_spread_as_they_must():
    """The variance of Beta(a, a) is 1 / (4 (2 a + 1)), its mean 1/2."""
    for alpha in (0.2, 1.0, 5.0, 100.0):
        shares = symmetric_beta((np.arange(20000) + 0.5) / 20000, alpha, np)
        assert shares.mean() == pytest.approx(0.5, abs=1e-6)
        assert shares.var() == pytest.approx(0.25 / (2 * alpha + 1), rel=5e-3)


def test_partners_are_even_others_and_never_the_example_itself():
    found = partners(np.arange(7), 2, 5, 7, 3000)
    assert found.shape == (7, 3000) and found.dtype == np.int64
    counts = np.stack([np.bincount(row, minlength=7) for row in found])
    assert (counts.diagonal() == 0).all()
    assert abs(counts[~np.eye(7, dtype=bool)] - 500).max() < 100  # five standard deviations
    np.testing.assert_array_equal(partners(np.array([4]), 2, 5, 7, 3000), found[4:5])
    for other in (partners(np.arange(7), 3, 5, 7, 3000), partners(np.arange(7), 2, 6, 7, 3000)):
        assert (other != found).mean() > 0.5
    assert partners(np.array([0]), 0, 0, 1, 2).tolist() == [[0, 0]]


def test_mixup_by_hand():
    own, other = groups(2)
    u = np.array([[0.0], [0.25], [0.5], [0.9], [1.0]])  # with alpha = 1 the share is the draw
    mixed = MixUp(1.0, classes=4).mix([own, other], u, host)
    share = u.reshape(-1, 1, 1, 1)
    expected = share * own["images"] + (1 - share) * other["images"]
    assert mixed["images"].dtype == np.uint8 and abs(mixed["images"] - expected).max() <= 0.501
    labels = u * np.eye(4)[own["labels"]] + (1 - u) * np.eye(4)[other["labels"]]
    np.testing.assert_allclose(mixed["labels"], labels, atol=1e-6)
    assert mixed["labels"].dtype == np.float32
    for key in ("boxes", "labels"):
        parts = [group["bounding_boxes"][key] for group in (own, other)]
        np.testing.assert_array_equal(mixed["bounding_boxes"][key], np.concatenate(parts, axis=1))


def test_cutmix_takes_the_window_of_torchvision():
    u = even(400, 3)
    windows = CutMix().windows(u, (HEIGHT, WIDTH), np)
    for (share, x, y), window in zip(u, windows, strict=True):
        ratio = 0.5 * np.sqrt(1 - share)  # alpha = 1
        centre_x, centre_y = int(x * WIDTH), int(y * HEIGHT)
        reach_x, reach_y = int(ratio * WIDTH), int(ratio * HEIGHT)
        expected = (
            max(centre_y - reach_y, 0), max(centre_x - reach_x, 0),
            min(centre_y + reach_y, HEIGHT), min(centre_x + reach_x, WIDTH),
        )  # fmt: skip
        assert tuple(window) == expected


def test_cutmix_puts_in_the_window_what_the_labels_say():
    own, other = groups(2)
    operation, u = CutMix(classes=4), even(5, 3)
    mixed = operation.mix([own, other], u, host)
    for i, window in enumerate(operation.windows(u, (HEIGHT, WIDTH), np).astype(int)):
        inside = np.zeros((HEIGHT, WIDTH), bool)
        inside[window[0] : window[2], window[1] : window[3]] = True
        np.testing.assert_array_equal(
            mixed["images"][i], np.where(inside[..., None], other["images"][i], own["images"][i])
        )
        labels = (1 - inside.mean()) * np.eye(4)[own["labels"][i]] + inside.mean() * np.eye(4)[other["labels"][i]]
        np.testing.assert_allclose(mixed["labels"][i], labels, atol=1e-6)
    np.testing.assert_array_equal(mixed["segmentation_masks"], mixed["images"][..., 0].astype("int32") * 300)


def test_mosaic_is_of_four_images_by_their_areas():
    parts = list(groups(4, n=200))
    mixed = Mosaic(classes=4).mix(parts, even(200, 3), host)
    np.testing.assert_array_equal(mixed["segmentation_masks"], mixed["images"][..., 0].astype("int32") * 300)
    shares, first = np.zeros((200, 4)), np.zeros(4, int)
    for i in range(200):
        alike = np.stack([(part["images"][i] == mixed["images"][i]).all(axis=-1) for part in parts])
        assert alike.any(axis=0).all()
        shares[i] = sum(held.mean() * np.eye(4)[part["labels"][i]] for held, part in zip(alike, parts, strict=True))
        rows, columns = np.nonzero(alike[0])
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)  # a rectangle, at one of the corners
        first[2 * (rows.max() == HEIGHT - 1) + (columns.max() == WIDTH - 1)] += 1
        assert 2 <= np.ptp(rows) + 1 <= 6 and 2 <= np.ptp(columns) + 1 <= 8  # lines within 1/4 and 3/4
    np.testing.assert_allclose(mixed["labels"], shares, atol=1e-6)
    assert (first > 25).all()  # 50 each, a standard deviation of 6


def test_mosaic_cuts_boxes_at_its_lines_and_drops_slivers():
    boxes = np.array([[[1, 1, 5, 3], [3.75, 0, 8, 4], [5, 5, 7, 7], [0, 0, 2, 2]]], "float32")
    group = {
        "images": np.zeros((1, 8, 8, 1), np.uint8),
        "bounding_boxes": {"boxes": boxes, "labels": np.array([[0, 1, 2, -1]], "int32")},
    }
    u = np.array([[0.5, 0.5, 0.0]])  # lines in the middle, the first image top left
    found = Mosaic().mix([group] * 4, u, host)["bounding_boxes"]
    assert found["boxes"].shape == (1, 16, 4) and found["boxes"].dtype == np.float32
    assert found["labels"].dtype == np.int32
    assert found["labels"][0].reshape(4, 4).tolist() == [[0, -1, -1, -1], [0, 1, -1, -1], [-1] * 4, [-1, -1, 2, -1]]
    assert found["boxes"][0, 0].tolist() == [1, 1, 4, 3]  # 3/4 of it
    assert found["boxes"][0, 4].tolist() == [4, 1, 5, 3]  # 1/4
    assert found["boxes"][0, 5].tolist() == [4, 0, 8, 4]
    assert (found["boxes"][found["labels"] < 0] == 0).all()
    strict = Mosaic(min_visible=0.5).mix([group] * 4, u, host)["bounding_boxes"]
    assert strict["labels"][0, 4] == -1 and strict["labels"][0, 0] == 0


@pytest.mark.backend
@pytest.mark.parametrize("operation", [MixUp(0.4, classes=4), CutMix(0.7, classes=4), Mosaic(classes=4)], ids=repr)
def test_targets_are_the_same_in_a_graph(operation):
    from keras import ops, tree

    from kerascnn.augmentation import graph

    parts = [part | {"images": part["images"].astype("float32")} for part in groups(1 + operation.others)]
    u = even(5, operation.draws)
    here = operation.mix(parts, u, host)
    there = operation.mix(tree.map_structure(ops.convert_to_tensor, parts), ops.array(u, "float32"), graph)
    for one, other in zip(tree.flatten(here), tree.flatten(there), strict=True):
        np.testing.assert_allclose(one, ops.convert_to_numpy(other), rtol=1e-5, atol=1e-3)


def test_labels_that_are_shares_already_are_mixed_on():
    own, other = (
        {"images": np.zeros((1, 2, 2, 1), "uint8"), "labels": np.array([row])} for row in ([1, 0], [0.5, 0.5])
    )
    mixed = MixUp(1.0).mix([own, other], np.array([[0.5]]), host)
    assert mixed["labels"].tolist() == [[0.75, 0.25]]


def test_a_share_of_the_images_is_mixed_and_the_others_are_as_they_were():
    own = next(groups(1, n=200))
    batch = {"images": own["images"], "labels": own["labels"]}
    pipeline = Pipeline(CutMix(1.0, p=0.3, classes=4))
    mixed = pipeline.apply(batch, np.arange(200), epoch=0, seed=0)
    same = (mixed["images"] == batch["images"]).all(axis=(1, 2, 3))
    assert 0.6 < same.mean() < 0.82  # 0.7, and windows of nothing
    np.testing.assert_array_equal(mixed["labels"][same], np.eye(4, dtype="float32")[batch["labels"][same]])


@pytest.mark.parametrize("cls", [MixUp, CutMix, Mosaic])
def test_the_number_of_classes_comes_from_their_names(cls):
    assert cls().prepared(["a", "b", "c"]) == cls(classes=3) == cls(classes=3).prepared(["a", "b", "c"])
    with pytest.raises(ValueError, match="`classes` must be 2, as the data. Received: classes=3. Leave it out"):
        cls(classes=3).prepared(["a", "b"])
    parts = list(groups(1 + cls.others))
    with pytest.raises(
        ValueError, match=rf"`classes` must be known where labels are integers.*{cls.__name__}\(classes"
    ):
        cls().mix(parts, even(5, cls.draws), host)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: MixUp(0), r"`alpha` must be in \(0, 100\]. Received: alpha=0"),
        (lambda: CutMix(-1.0), r"`alpha` must be in \(0, 100\]"),
        (lambda: MixUp(classes=0), "`classes` must be an integer of at least 1"),
        (lambda: Mosaic((0.5, 1.5)), "`centre` must be a number, or a pair"),
        (lambda: Mosaic(min_visible=2), r"`min_visible` must be in \[0, 1\]"),
        (lambda: MixUp(p=2), r"`p` must be in \[0, 1\]"),
    ],
)
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_they_are_written_as_they_are_made():
    assert repr(MixUp(0.4)) == "MixUp(0.4)" and repr(CutMix(classes=3, p=0.5)) == "CutMix(1.0, p=0.5, classes=3)"
    pipeline = Pipeline(MixUp(0.4, p=0.5), Mosaic((0.4, 0.6), min_visible=0.2))
    assert Pipeline.from_dict(pipeline.to_dict()) == pipeline
