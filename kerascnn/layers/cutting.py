"""Where to cut a graph, so that little is kept between its parts and no part is large."""

from collections.abc import Mapping, Sequence

MOST = 24  # parts that are tried


def cut(takes: Sequence[Sequence[int]], gives: Sequence[Sequence[int]], sizes: Mapping[int, int]) -> list[int]:
    """The ends of the parts that a list of nodes is cut into: those for which the least memory is needed.

    That is what crosses the cuts, which is kept, and all that the largest part makes.

    Args:
        takes: the names of the tensors that each node needs.
        gives: those that it makes.
        sizes: bytes of each tensor.

    >>> chain = [[n] for n in range(9)]
    >>> cut(chain, [[n + 1] for n in range(9)], dict.fromkeys(range(10), 1))
    [3, 6, 9]
    """
    made = [sum(sizes[each] for each in made) for made in gives]
    crossing = _crossing(takes, gives)
    weights = [sum(sizes[each] for each in tensors) for tensors in crossing]
    plans = {tuple(_ends(made, weights, sum(made) / parts)) for parts in range(1, MOST + 1)}

    def needed(ends):
        kept = {each for end in ends[:-1] for each in crossing[end - 1]}
        begins = (0, *ends[:-1])
        return sum(sizes[each] for each in kept) + max(sum(made[b:e]) for b, e in zip(begins, ends, strict=True))

    return list(min(sorted(plans), key=needed))


def _crossing(takes, gives) -> list[set[int]]:
    """The tensors that are made up to each node and needed behind it."""
    made, needed = set(), {}
    for place, names in enumerate(takes):
        needed |= dict.fromkeys(names, place)
    crossing = []
    for place, names in enumerate(gives):
        made |= set(names)
        crossing.append({name for name in made if needed.get(name, -1) > place})
    return crossing


def _ends(made, weights, most: float) -> list[int]:
    """Parts that make no more than `most`, each cut in its second half where the least crosses."""
    ends, begin, total = [], 0, sum(made)
    while begin < len(made):
        end, inside, choices = begin, 0, []
        while end < len(made) and (end == begin or inside + made[end] <= most):
            inside += made[end]
            end += 1
            if inside >= most / 2:
                choices.append(end)
        choices = choices or [end]
        ends.append(end if end == len(made) else min(choices, key=lambda place: (weights[place - 1], -place)))
        begin = ends[-1]
    return ends if total else [len(made)]
