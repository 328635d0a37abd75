import numpy as np
import pytest
from PIL import Image

from kerascnn.data import read_image
from kerascnn.data.images import common_size, fit, header, recolor

RGB = np.zeros((6, 8, 3), np.uint8)
RGB[:, :4] = (250, 0, 0)
RGB[:, 4:] = (0, 0, 250)
GREY = np.repeat(np.arange(0, 240, 30, dtype=np.uint8)[None], 6, axis=0)


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("png", 0), ("bmp", 0), ("gif", 0), ("tiff", 0), ("webp", 40), ("jpg", 40), ("mpo", 40)]
)
def test_every_format_is_read(tmp_path, suffix, tolerance):
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(RGB).save(path)
    assert read_image(path).dtype == np.uint8
    np.testing.assert_allclose(read_image(path)[:, [0, 7]].astype(int), RGB[:, [0, 7]], atol=tolerance)
    assert header(path) == (6, 8, 3)


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_grey_of_each_kind_is_one_channel(tmp_path):
    alpha = Image.merge("LA", (Image.fromarray(GREY), Image.new("L", (8, 6), 255)))
    alpha.save(tmp_path / "alpha.png")
    paths = [save(tmp_path / "grey.png", GREY), tmp_path / "alpha.png", save(tmp_path / "palette.gif", GREY, "P")]
    for path in paths:
        assert header(path) == (6, 8, 1)
        assert (read_image(path, channels=1)[..., 0] == GREY).all()
        assert (read_image(path, channels=3) == GREY[..., None]).all()


def test_black_and_white_is_0_and_255(tmp_path):
    path = save(tmp_path / "bits.png", np.where(GREY > 100, 255, 0).astype(np.uint8), "1")
    assert header(path) == (6, 8, 1)
    assert (read_image(path, channels=1)[..., 0] == np.where(GREY > 100, 255, 0)).all()


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    path = save(tmp_path / "deep.png", np.array([[0, 257, 128 * 257, 65535]], np.uint16))
    assert header(path) == (1, 4, 1)
    assert read_image(path, channels=1)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_transparency_is_laid_over_white(tmp_path):
    rgba = np.dstack([RGB, np.where(np.arange(8) < 4, 255, 0)[None].repeat(6, 0)]).astype(np.uint8)
    image = read_image(save(tmp_path / "clear.png", rgba))
    assert (image[:, :4] == (250, 0, 0)).all() and (image[:, 4:] == 255).all()
    grey = Image.merge("LA", (Image.fromarray(GREY), Image.new("L", (8, 6), 0)))
    grey.save(tmp_path / "grey.png")
    assert (read_image(tmp_path / "grey.png", channels=1) == 255).all()


def test_a_transparent_palette_is_laid_over_white(tmp_path):
    image = Image.fromarray(RGB).quantize(2)
    image.save(tmp_path / "palette.gif", transparency=image.getpixel((7, 0)))
    read = read_image(tmp_path / "palette.gif")
    assert (read[:, :4] == (250, 0, 0)).all() and (read[:, 4:] == 255).all()


def test_cmyk_becomes_rgb(tmp_path):
    read = read_image(save(tmp_path / "print.jpg", np.full((8, 8, 3), (250, 0, 0), np.uint8), "CMYK"))
    np.testing.assert_allclose(read[4, 4], (250, 0, 0), atol=6)


@pytest.mark.parametrize(("orientation", "turned"), [(1, RGB), (3, RGB[::-1, ::-1]), (6, np.rot90(RGB, -1))])
def test_exif_turns_the_image_upright(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "phone.png", RGB, exif=exif)
    assert (read_image(path) == turned).all()
    assert header(path) == (*turned.shape[:2], 3)


def test_an_animation_gives_its_first_frame(tmp_path):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    assert (read_image(tmp_path / "film.gif", channels=1)[..., 0] == GREY).all()


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp"])
def test_a_file_cut_short_is_named(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    path = save(tmp_path / f"cut.{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OSError, match=rf"Cannot read the image '.*cut.{suffix}': "):
        read_image(path)


def test_what_is_no_image_or_missing_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(OSError, match="notes.txt': not an image"):
        read_image(tmp_path / "notes.txt")
    with pytest.raises(OSError, match="none.png': No such file or directory"):
        read_image(tmp_path / "none.png")


def test_letterbox_keeps_the_ratio_and_stretch_fills():
    image = np.full((4, 8, 3), 9, np.uint8)
    boxed = fit(image, (8, 8), "letterbox")
    assert boxed.shape == (8, 8, 3)
    assert (boxed[2:6] == 9).all() and (boxed[:2] == 0).all() and (boxed[6:] == 0).all()
    assert (fit(image, 8) == 9).all()
    assert fit(image.astype(np.float32)[..., :1], (2, 3)).dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "size", "rows", "columns"),
    [
        ((4, 8), 4, range(0, 4), range(2, 6)),  # the middle columns, as they are
        ((9, 3), (5, 3), range(2, 7), range(0, 3)),
        ((4, 4), (2, 4), range(1, 3), range(0, 4)),  # a size of another shape than the image
    ],
)
def test_crop_cuts_the_middle_out(shape, size, rows, columns):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    for each in (image, image.astype(np.float32)[..., :1]):
        cut = fit(each, size, "crop")
        assert cut.dtype == each.dtype
        np.testing.assert_array_equal(cut, each[rows][:, columns])


@pytest.mark.parametrize("size", [3, 12])
def test_crop_is_the_middle_of_the_whole_resized(size):
    image = np.random.default_rng(0).integers(0, 256, (6, 18, 3)).astype(np.uint8)
    np.testing.assert_array_equal(fit(image, size, "crop"), fit(image, (size, 3 * size))[:, size : 2 * size])


@pytest.mark.parametrize(("shape", "size"), [((333, 500), (224, 224)), ((1001, 7), (19, 19)), ((37, 113), (64, 41))])
def test_crop_stays_within_the_image_whatever_the_rounding(shape, size):
    cut = fit(np.full((*shape, 3), 200, np.uint8), size, "crop")
    assert cut.shape == (*size, 3) and (cut == 200).all()


def test_a_file_is_cropped_as_it_is_read(tmp_path):
    path = save(tmp_path / "wide.png", RGB)
    np.testing.assert_array_equal(read_image(path, 6, "crop"), RGB[:, 1:7])


@pytest.mark.parametrize("resize", [None, "strech"])
@pytest.mark.parametrize("size", [4, 8])
def test_no_other_word_is_taken_for_letterbox(resize, size):
    with pytest.raises(ValueError, match="`resize` must be one of 'crop', 'letterbox', 'stretch'. Received: resize="):
        fit(np.zeros((8, 8, 1), np.uint8), size, resize)


def test_resizing_does_not_alias():
    board = (np.indices((64, 64)).sum(0) % 2 * 200).astype(np.uint8)[..., None]
    assert abs(fit(board, 8).astype(int) - 100).max() <= 8


def test_recolor_gives_the_luminance():
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    assert recolor(image, 1)[0, :, 0].tolist() == [76, 150, 29, 9]
    assert recolor(recolor(image, 1), 3).shape == (1, 4, 3) and recolor(image, 3) is image


def test_the_common_size_is_capped():
    assert common_size([(100, 100)] * 3) == (100, 100)
    assert common_size([(3, 1000), (4, 900), (5, 800)]) == (8, 224)
