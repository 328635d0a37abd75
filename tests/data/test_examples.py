import numpy as np
import pytest

from kerascnn.data.crc32c import crc32c, masked
from kerascnn.data.examples import example, parse

IMAGE = bytes(range(256)) * 3


@pytest.mark.parametrize(
    ("data", "expected"),
    [(bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E), (b"", 0)],
)
def test_check_sums_are_those_of_rfc_3720(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [*range(255, 260), 320, 1000, 4096, 100_003])
def test_blocks_give_the_check_sum_of_single_bytes(size):
    data, found = np.random.default_rng(size).bytes(size), 0xFFFFFFFF
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = found >> 1 ^ (0x82F63B78 if found & 1 else 0)
    assert crc32c(data) == found ^ 0xFFFFFFFF


def test_masks_are_tensorflows(tmp_path):
    import tensorflow as tf

    path = tmp_path / "a.tfrecord"
    for message in (b"abc", IMAGE):
        with tf.io.TFRecordWriter(str(path)) as file:
            file.write(message)
        assert int.from_bytes(path.read_bytes()[-4:], "little") == masked(message)


def of_tensorflow():
    import tensorflow as tf

    feature = {
        "image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[IMAGE, b"other"])),
        "image/class/label": tf.train.Feature(int64_list=tf.train.Int64List(value=[300, 7])),
        "score": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5])),
        "low": tf.train.Feature(int64_list=tf.train.Int64List(value=[-1])),
        "none": tf.train.Feature(),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def test_what_tensorflow_writes_is_read():
    message = of_tensorflow()
    found = parse(message)
    assert message[slice(*found.pop("image/encoded"))] == IMAGE
    assert found == {"image/class/label": 300, "score": None, "low": -1, "none": None}


def test_tensorflow_reads_what_is_written():
    import tensorflow as tf

    message = example({"image/encoded": IMAGE, "image/class/label": 300, "low": -1})
    read = tf.train.Example.FromString(message).features.feature
    assert read["image/encoded"].bytes_list.value == [IMAGE]
    assert (read["image/class/label"].int64_list.value, read["low"].int64_list.value) == ([300], [-1])


def test_integers_may_stand_alone():
    lone = b"\x0a\x0d\x0a\x0b" + b"\x0a\x05label\x12\x02\x1a\x00"  # an empty list
    assert parse(lone) == {"label": None}
    alone = b"\x0a\x0f\x0a\x0d" + b"\x0a\x05label\x12\x04\x1a\x02\x08\x07"  # not packed
    assert parse(alone) == {"label": 7}


def test_other_bytes_are_an_error_of_one_kind_and_never_another():
    message, random = of_tensorflow(), np.random.default_rng(0)
    refused = 0
    for _ in range(2000):
        broken = bytearray(message[: random.integers(1, len(message))])
        broken[random.integers(len(broken))] = random.integers(256)
        try:
            parse(bytes(broken))
        except ValueError:
            refused += 1
    assert refused > 1000
    with pytest.raises(ValueError, match="not a tf.train.Example"):
        parse(b"\x08\x01\x0a")
