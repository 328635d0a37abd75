"""The messages in TFRecord files, `tf.train.Example`, read and written without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

NUMBER, LONG, BYTES, SHORT = 0, 1, 2, 5  # the kinds of fields in a protocol buffer
FEATURES = ENTRY = KEY = VALUE = 1
FEATURE, INTEGERS = 2, 3
OTHER = "not a tf.train.Example"


def parse(message: bytes) -> dict[str, tuple[int, int] | int | None]:
    """The first value of each feature of an example: `(start, stop)` of bytes in `message`, or an integer.

    None stands for floating-point numbers and for a feature without a value. Raises ValueError for other messages.

    >>> message = example({"image": b"abc", "label": 3})
    >>> found = parse(message)
    >>> message[slice(*found["image"])], found["label"]
    (b'abc', 3)
    """
    try:
        return dict(_features(message))
    except (TypeError, KeyError):  # a number where a message should be, or no name
        raise ValueError(OTHER) from None


def example(features: Mapping[str, bytes | int]) -> bytes:
    """The message of an example with one value, bytes or an integer, in each of its `features`."""
    entries = b""
    for name, value in features.items():
        if isinstance(value, bytes):
            feature = _field(FEATURES, _field(VALUE, value))
        else:
            feature = _field(INTEGERS, _field(VALUE, _varint(value)))
        entries += _field(ENTRY, _field(KEY, name.encode()) + _field(FEATURE, feature))
    return _field(FEATURES, entries)


def _features(message: bytes) -> Iterator[tuple[str, tuple[int, int] | int | None]]:
    for number, part in _fields(message, 0, len(message)):
        for entry_number, entry in _fields(message, *part) if number == FEATURES else ():
            if entry_number == ENTRY:
                parts = dict(_fields(message, *entry))
                yield message[slice(*parts[KEY])].decode(), _first(message, parts.get(FEATURE, (0, 0)))


def _first(message: bytes, part) -> tuple[int, int] | int | None:
    """The first value in a feature."""
    for kind, values in _fields(message, *part):
        for _, value in _fields(message, *values):
            if kind == INTEGERS:
                packed = not isinstance(value, int)
                number = _number(message, *value)[0] if packed else value
                return number - (1 << 64) if number >> 63 else number
            if kind == FEATURES:
                return value
    return None


def _fields(message: bytes, start: int, stop: int) -> Iterator[tuple[int, int | tuple[int, int]]]:
    """`(number, value)` of each field in a part of a message; the value of bytes is where they are."""
    while start < stop:
        tag, start = _number(message, start, stop)
        kind = tag & 7
        if kind == NUMBER:
            value, start = _number(message, start, stop)
        elif kind == BYTES:
            length, start = _number(message, start, stop)
            value = start, start + length
            start += length
        elif kind in (LONG, SHORT):
            start += 8 if kind == LONG else 4
            value = None
        else:
            raise ValueError(OTHER)
        if start > stop:
            raise ValueError(OTHER)
        yield tag >> 3, value


def _number(message: bytes, start: int, stop: int) -> tuple[int, int]:
    """The integer at `start`, in groups of 7 bits, and where it ends."""
    found = shift = 0
    while start < stop and shift < 70:
        byte = message[start]
        found |= (byte & 0x7F) << shift
        start, shift = start + 1, shift + 7
        if byte < 0x80:
            return found, start
    raise ValueError(OTHER)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
