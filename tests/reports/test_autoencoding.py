"""The report of autoencoders that are known: principal components as a network, and networks that say nothing."""

import warnings

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from kerascnn import data as datasets
from kerascnn import metrics, noise, plots, reports
from kerascnn.reports.autoencoding_figures import activity
from kerascnn.reports.autoencoding_pictures import drawn_codes

SHAPE, SIZE, COUNT = (12, 11, 1), 3, 90
RNG = np.random.default_rng(0)
PARTS = RNG.normal(0, 30, (4, 132))
LABELS = np.arange(COUNT) % 3


def split(seed):
    """Images of three classes that four directions and noise make up."""
    rng = np.random.default_rng(seed)
    amounts = np.eye(4)[LABELS] + rng.normal(0, 0.4, (COUNT, 4))
    return np.clip(120 + amounts @ PARTS + rng.normal(0, 4, (COUNT, 132)), 0, 255).reshape(-1, *SHAPE).astype("uint8")


TRAIN, VALIDATION, TEST = (split(seed) for seed in range(3))
TEST[7] = 255 * RNG.integers(0, 2, SHAPE)  # unlike all others
TRUTH = {"train": LABELS, "validation": LABELS, "test": LABELS}
COMPONENTS = PCA(SIZE).fit(TRAIN.reshape(COUNT, -1) / 255)


def parts(shift=0.0):
    """An encoder and a decoder that are these principal components; values that come back are all off by `shift`."""
    axes, middle = COMPONENTS.components_.astype("float32"), COMPONENTS.mean_.astype("float32")
    image, code = keras.Input(SHAPE), keras.Input((SIZE,))
    encode, decode = keras.layers.Dense(SIZE), keras.layers.Dense(132)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    encoder = keras.Model(image, encode(x))
    rebuilt = keras.layers.Reshape(SHAPE)(decode(code))
    decoder = keras.Model(code, keras.layers.Rescaling(255, 255 * shift)(rebuilt))
    encode.set_weights([axes.T, -axes @ middle])
    decode.set_weights([axes, middle])
    return encoder, decoder


def judged(data, encoder, decoder, kind="linear", **options):
    image = keras.Input(SHAPE)
    model = keras.Model(image, decoder(encoder(image)))
    return reports.autoencoding(model, data, encoder=encoder, decoder=decoder, kind=kind, code_size=SIZE, **options)


def loaded(*splits):
    return datasets.load(tuple((images, images) for images in splits), targets="images")


@pytest.fixture(scope="module")
def data():
    return loaded(TRAIN, VALIDATION, TEST)


@pytest.fixture(scope="module")
def report(data):
    return judged(data, *parts(), labels=TRUTH, class_names="abc")


@pytest.fixture(scope="module")
def codes():
    return COMPONENTS.transform(TEST.reshape(COUNT, -1) / 255).astype("float32")


@pytest.mark.backend
def test_principal_components_are_as_good_as_themselves(report):
    figures = report.figures
    rows = TEST.reshape(COUNT, -1) / 255
    errors = np.mean((COMPONENTS.inverse_transform(COMPONENTS.transform(rows)) - rows) ** 2, axis=1)
    assert report.judged_on == "test"
    assert (figures["mse"], figures["mse_pca"]) == pytest.approx((errors.mean(),) * 2, rel=1e-4)
    assert figures["mse_below_pca"] == pytest.approx(0, abs=1e-4)
    assert figures["mse_p99"] == pytest.approx(np.percentile(errors, 99), rel=1e-4)
    assert figures["psnr"] == pytest.approx(np.mean(-10 * np.log10(errors)), rel=1e-4)
    assert "ssim" in figures and errors.argmax() == 7


@pytest.mark.backend
def test_a_shift_is_what_it_adds_to_the_error(data, report):
    shifted = judged(data, *parts(shift=0.1)).figures
    assert shifted["mse_pca"] == report.figures["mse_pca"]
    rows = TEST.reshape(COUNT, -1) / 255
    rest = COMPONENTS.inverse_transform(COMPONENTS.transform(rows)) - rows
    assert shifted["mse"] == pytest.approx(np.mean((rest + 0.1) ** 2), rel=1e-4)
    assert shifted["mse_below_pca"] == pytest.approx(1 - shifted["mse"] / shifted["mse_pca"])
    assert shifted["mse_below_pca"] < -0.5


def test_the_codes_are_probed(report, codes):
    figures = report.figures
    known = COMPONENTS.transform(TRAIN.reshape(COUNT, -1) / 255).astype("float32")
    assert figures["linear_probe_accuracy"] == metrics.linear_probe(known, LABELS, (codes, LABELS)) > 0.6
    assert figures["linear_probe_accuracy_pca"] == figures["linear_probe_accuracy"]
    assert figures["knn_accuracy"] == metrics.knn_probe(known, LABELS, (codes, LABELS)) > 0.6
    assert figures["recall_at_1"] == metrics.retrieval(codes, LABELS, k=(1,))["recall_at_1"]
    assert figures["code_std_least"] == pytest.approx(codes.std(axis=0).min(), rel=1e-4)
    assert figures["active_units"] == 1 and "warnings" not in figures and "active_share" not in figures


def test_noise_is_in_what_is_rebuilt_and_not_in_what_is_probed(data, report):
    noisy = datasets.with_noise(data, noise.named("gaussian(40)"))
    figures = judged(noisy, *parts(), labels=TRUTH).figures
    three_of_the_noise = (40 / 255) ** 2 * SIZE / TEST[0].size  # the components let through
    assert figures["mse"] == pytest.approx(report.figures["mse"] + three_of_the_noise, rel=0.05)
    assert figures["mse_pca"] == pytest.approx(figures["mse"], rel=1e-4)
    for name in ("linear_probe_accuracy", "knn_accuracy", "recall_at_1", "code_std_least"):
        assert figures[name] == report.figures[name]


def test_without_labels_and_without_a_test_split(report):
    found = judged(loaded(TRAIN, VALIDATION), *parts())
    assert found.judged_on == "validation"
    of_labels = {"linear_probe_accuracy", "linear_probe_accuracy_pca", "knn_accuracy", "recall_at_1"}
    assert set(found.figures) == set(report.figures) - of_labels
    drawn = found.pictures["codes.png"]()
    assert drawn.axes[0].lines[0].get_label() == "images"


def test_a_code_as_large_as_the_image_has_nothing_to_be_below_of(data):
    size = TRAIN[0].size
    image = keras.Input(SHAPE)
    flat, code = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(image)), keras.Input((size,))
    encoder, decoder = keras.Model(image, flat), keras.Model(code, keras.layers.Reshape(SHAPE)(code))
    few = loaded(TRAIN, VALIDATION, TRAIN[:20])
    model = keras.Model(image, decoder(encoder(image)))
    options = {"encoder": encoder, "decoder": decoder, "kind": "mlp", "code_size": size}
    figures = reports.autoencoding(model, few, **options).figures
    assert figures["mse"] == 0 and figures["mse_pca"] < 1e-9 and "mse_below_pca" not in figures


def test_units_that_say_nothing_are_counted():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5000, 4)) * [1, 0.5, 0.2, 0.05] + [0, 3, 0, 1]
    found = activity(rows, "variational")
    assert found["active_units"] == 0.75  # 0.04 is above 0.01, 0.0025 is not
    assert found["code_std_least"] == pytest.approx(0.05, rel=0.05)
    assert activity(100 * rows, "conv")["active_units"] == 0.75  # the mean square is 2.8: 0.04 / 2.8 is above, too
    sparse = np.maximum(rng.normal(size=(5000, 4)), [[0, 0, 1.2816, -99]])  # a half, a half, a tenth, all
    assert activity(sparse - [0, 0, 1.2816, 0], "sparse")["active_share"] == pytest.approx(2.1 / 4, abs=0.02)


@pytest.mark.parametrize(("kind", "mend"), [("variational", "beta"), ("sparse", "sparsity"), ("conv", "learning_rate")])
def test_half_of_the_units_are_warned_of_and_more_are_not(kind, mend):
    rows = np.random.default_rng(0).normal(size=(100, 4))
    rule = f"2 of 4 units of the code say nothing: they are the same for all images. Lower `{mend}`"
    with pytest.warns(UserWarning, match=rule):
        found = activity(rows * [1, 1, 0, 0], kind)
    assert rule in found["warnings"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "warnings" not in activity(rows * [1, 1, 1, 0], kind)


def test_a_collapsed_code_has_a_report(data):
    image = keras.Input(SHAPE)
    same = keras.layers.Flatten()(keras.layers.Rescaling(0.0, 3.0)(image))
    encoder, (_, decoder) = keras.Model(image, keras.layers.Dense(SIZE)(same)), parts()
    with pytest.warns(UserWarning, match="3 of 3 units"):
        found = judged(data, encoder, decoder, "conv", labels=TRUTH)
    assert found.figures["active_units"] == 0 and "3 of 3 units" in found.figures["warnings"][0]
    assert found.figures["code_std_least"] == pytest.approx(0, abs=1e-6)
    assert found.figures["linear_probe_accuracy"] == pytest.approx(1 / 3)
    assert found.pictures["codes.png"]().axes and found.pictures["samples.png"]().axes


def test_pictures(report, codes, tmp_path):
    names = ["reconstructions.png", "anomalies.png", "codes.png", "interpolations.png", "samples.png"]
    assert list(report.pictures) == names
    drawn = {name: draw() for name, draw in report.pictures.items()}
    for name, figure in drawn.items():
        plots.save(figure, tmp_path / name)
    shown = [np.asarray(panel.images[0].get_array()) for panel in drawn["reconstructions.png"].axes]
    assert len(shown) == 3 * 10
    np.testing.assert_array_equal(shown[9], TEST[7, ..., 0])  # the worst is the last
    worst = next(panel for panel in drawn["anomalies.png"].axes[1:] if panel.images)
    np.testing.assert_array_equal(worst.images[0].get_array(), TEST[7, ..., 0])
    dots = drawn["codes.png"].axes[0]
    assert [line.get_label() for line in dots.lines] == ["a", "b", "c"]
    assert dots.get_title("left") == "90 codes by t-SNE"


def test_interpolations_go_from_code_to_code_of_another_class(report, codes):
    left, middle, right = (
        np.asarray(panel.images[0].get_array()) for panel in report.pictures["interpolations.png"]().axes
    )
    decoded = np.clip(255 * COMPONENTS.inverse_transform(codes), 0, 255).reshape(COUNT, *SHAPE[:2])

    def place(tile):
        return next(i for i, image in enumerate(TEST[..., 0]) if np.array_equal(image, tile))

    for row in range(6):
        rows = slice(13 * row, 13 * row + 12)
        first, last = place(left[rows]), place(right[rows])
        assert LABELS[first] != LABELS[last]
        np.testing.assert_allclose(middle[rows, :11], decoded[first], atol=1.01)
        np.testing.assert_allclose(middle[rows, -11:], decoded[last], atol=1.01)
        half = np.clip(255 * COMPONENTS.inverse_transform((codes[[first]] + codes[[last]]) / 2), 0, 255)
        np.testing.assert_allclose(middle[rows, 48:59], half.reshape(SHAPE[:2]), atol=1.01)


def test_samples_are_of_the_prior_or_of_what_codes_are_like():
    rng = np.random.default_rng(0)
    codes = np.maximum(rng.normal(size=(500, 2)) @ [[3, 1], [0, 0.5]] + [1, 0], 0).astype("float32")
    drawn, source = drawn_codes(codes, 4000, "variational", 1)
    assert source == "N(0, 1)" and drawn.shape == (4000, 2)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.eye(2), atol=0.06)
    drawn, source = drawn_codes(codes, 4000, "sparse", 1)
    assert source == "a Gaussian fitted to the codes"
    assert drawn.min() == 0 and (drawn.max(axis=0) <= codes.max(axis=0)).all()
    assert np.corrcoef(drawn, rowvar=False)[0, 1] == pytest.approx(np.corrcoef(codes, rowvar=False)[0, 1], abs=0.15)
    free = rng.normal(size=(900, 2)) @ [[3, 1], [0, 0.5]]
    np.testing.assert_allclose(np.cov(drawn_codes(free, 4000, "conv", 1)[0], rowvar=False), np.cov(free.T), rtol=0.12)
    assert drawn_codes(np.ones((9, 1), "float32"), 5, "conv", 0)[0].tolist() == [[1.0]] * 5


def test_errors_name_the_labels(data):
    with pytest.raises(ValueError, match="`labels` must have one entry an image of test, 90"):
        judged(data, *parts(), labels={"train": LABELS})
    with pytest.raises(ValueError, match="`labels` must have one entry an image of train, 90"):
        judged(data, *parts(), labels={"train": LABELS[1:], "test": LABELS})
