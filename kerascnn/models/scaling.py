"""Tables of filter counts, multiplied."""


def scaled(filters, width: float):
    """Multiplies a filter count, or all of a nested table, by `width`; no count falls below one.

    >>> scaled((64, (96, 128), (16, 32), 32), 0.25)
    (16, (24, 32), (4, 8), 8)
    """
    if isinstance(filters, (tuple, list)):
        return tuple(scaled(entry, width) for entry in filters)
    return max(1, round(width * filters))
