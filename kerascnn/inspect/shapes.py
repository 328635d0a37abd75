"""How large a map is that a kernel makes: (W - F + 2P) / S + 1, with all that Keras' layers do at borders."""

from kerascnn import checks

PADDINGS = ("valid", "same")


def output_size(size: int, kernel: int, padding: int | str = "valid", stride: int = 1, dilation: int = 1) -> int:
    """How often a kernel of `kernel` values fits along an axis of `size`: `(size - kernel + zeros) // stride + 1`.

    Args:
        size: values along the axis.
        kernel: values of the kernel along it.
        padding: zeros on each side, or "valid" (none), or "same" (as many as give `size / stride`, rounded up).
        stride: values from one place of the kernel to the next.
        dilation: values from one value of the kernel to the next; the kernel then reaches over
            `(kernel - 1) * dilation + 1`.

    Raises: ValueError for numbers that are no sizes, and a kernel that reaches further than the padded axis.

    >>> output_size(28, 5), output_size(224, 7, padding=3, stride=2), output_size(5, 3, "same", stride=2)
    (24, 112, 3)
    """
    before, after = border(size, kernel, padding, stride, dilation)
    reach = (kernel - 1) * dilation + 1
    if reach > size + before + after:
        mend = "Pass a smaller kernel, more padding or a larger image."
        raise ValueError(checks.message("kernel", f"reach over at most {size + before + after}", reach, mend))
    return (size + before + after - reach) // stride + 1


def border(size: int, kernel: int, padding: int | str = "valid", stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """How many zeros lie before and after an axis; arguments as of `output_size`.

    Of an odd number of zeros "same" puts the one more at the end, as Keras does.

    >>> border(5, 3, "same"), border(6, 3, "same", stride=2)
    ((1, 1), (0, 1))
    """
    given = {"size": size, "kernel": kernel, "stride": stride, "dilation": dilation}
    size, kernel, stride, dilation = (checks.positive_int(name, value) for name, value in given.items())
    if not isinstance(padding, str):
        return (checks.positive_int("padding", padding, least=0),) * 2
    if checks.one_of("padding", padding, PADDINGS) == "valid":
        return 0, 0
    missing = max(0, (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size)
    return missing // 2, missing - missing // 2
