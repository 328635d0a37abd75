"""`Index`: embeddings with ids and what is known about them, searched, saved and loaded."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerascnn import checks
from kerascnn.metrics.distances import DISTANCES, embedding_rows
from kerascnn.retrieval.engines import ENGINES, NOTHING
from kerascnn.retrieval.storing import read, write


class Found(NamedTuple):
    """What `Index.search` found, nearest first.

    Attributes:
        ids: a list of k ids for each query.
        distances: float32 `(queries, k)`.
        metadata: a list of k entries for each query; None where there is none.
    """

    ids: list[list[str | int]]
    distances: np.ndarray
    metadata: list[list[Any]]


class Index:
    """Stored embeddings that can be searched for the nearest ones.

    The file of an index holds arrays and JSON, and is read without pickle.

    Args:
        dimensions: length of an embedding.
        distance: "cosine" (1 - cosine similarity), "euclidean" or "squared".
        engine: "exact" looks at every embedding, by matrix products in blocks: time grows with their number, memory
            beyond them does not. "usearch" is approximate and for millions: `pip install "kerascnn[search]"`. It uses
            all cores, in whose order its graph grows: two builds may differ in a few neighbours.
        about: facts to keep with it, as JSON has them, such as the model that made the embeddings.

    Raises:
        ValueError: for a wrong argument.
        ImportError: that says what to install, if the engine is missing.

    >>> index = Index(2, "euclidean").add([[0, 0], [3, 4]], ["origin", "far"])
    >>> found = index.search([[0, 1]], 2)
    >>> found.ids, found.distances[0, 0].item()
    ([['origin', 'far']], 1.0)
    """

    def __init__(
        self,
        dimensions: int,
        distance: str = "cosine",
        engine: str = "exact",
        *,
        about: Mapping[str, Any] | None = None,
    ):
        self.dimensions = checks.positive_int("dimensions", dimensions)
        self.distance = checks.one_of("distance", distance, DISTANCES)
        self.engine = checks.one_of("engine", engine, ENGINES)
        self.about = dict(about or {})
        self._engine = ENGINES[engine](dimensions, distance)
        self._numbers: dict[str | int, int] = {}  # of the ids, in the engine; in the order that they came in
        self._entries: dict[int, tuple[str | int, Any]] = {}  # id and metadata of a number
        self._next = 0

    def __len__(self) -> int:
        """How many embeddings are stored."""
        return len(self._numbers)

    def __contains__(self, id: str | int) -> bool:
        """Whether an id is stored."""
        return id in self._numbers

    @property
    def ids(self) -> list[str | int]:
        """The ids, in the order that they were added."""
        return list(self._numbers)

    def add(self, embeddings: Any, ids: Sequence[str | int], metadata: Sequence[Any] | None = None) -> "Index":
        """Stores embeddings `(n, dimensions)` under new ids `(n,)`, texts or integers; returns the index.

        `metadata` is an entry each, of what JSON can hold. Nothing is stored if anything is wrong.
        Raises: ValueError for other shapes, values that are not finite, and ids that are there already or come twice.
        """
        rows = embedding_rows("embeddings", embeddings, self.dimensions)
        ids, metadata = [_plain(id) for id in ids], [None] * len(rows) if metadata is None else list(metadata)
        checks.same_length("embeddings", rows, "ids", ids)
        checks.same_length("embeddings", rows, "metadata", metadata)
        seen = set(self._numbers)
        twice = [id for id in ids if id in seen or seen.add(id)]
        if twice:
            mend = "`remove` the earlier one first."
            raise ValueError(checks.message("ids", "be new, each of them once", twice[:5], mend))
        _check_metadata(metadata)
        numbers = range(self._next, self._next + len(ids))
        self._engine.add(np.array(numbers, np.int64), rows)
        self._numbers.update(zip(ids, numbers, strict=True))
        self._entries.update(zip(numbers, zip(ids, metadata, strict=True), strict=True))
        self._next += len(ids)
        return self

    def remove(self, ids: Sequence[str | int]) -> "Index":
        """Forgets these ids and their embeddings; returns the index. Raises: ValueError for ids that are not there."""
        ids = list(dict.fromkeys(_plain(id) for id in ids))
        unknown = [id for id in ids if id not in self._numbers]
        if unknown:
            mend = checks.nearest(unknown[0], self._numbers)
            raise ValueError(checks.message("ids", "be in the index", unknown[:5], mend))
        numbers = [self._numbers.pop(id) for id in ids]
        self._engine.remove(np.array(numbers, np.int64))
        for number in numbers:
            del self._entries[number]
        return self

    def search(self, queries: Any, k: int = 10) -> Found:
        """The `k` nearest to each of `queries` `(n, dimensions)`; all of them if there are fewer than `k`.

        Of equal distances the one that was added first goes first. An approximate engine may find fewer for some
        queries: their lists end with None, at infinity. Raises: ValueError for other shapes and an empty index.
        """
        rows = embedding_rows("queries", queries, self.dimensions)
        k = min(checks.positive_int("k", k), len(self))
        if not k:
            raise ValueError(checks.message("index", "have something to search in", "no entries", "Call `add` first."))
        numbers, distances = self._engine.search(rows, k)
        nothing = {NOTHING: (None, None)}
        entries = [[(self._entries | nothing if n == NOTHING else self._entries)[n] for n in row] for row in numbers]
        ids, metadata = ([[entry[side] for entry in row] for row in entries] for side in (0, 1))
        return Found(ids, distances, metadata)

    def save(self, path: str | Path) -> Path:
        """Writes the index into one file, whole or not at all; returns its path as given."""
        entries = [[number, *self._entries[number]] for number in self._numbers.values()]
        named = {name: getattr(self, name) for name in ("dimensions", "distance", "engine", "about")}
        write(path, {**named, "next": self._next, "entries": entries}, self._engine.arrays())
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> "Index":
        """Gives back the index in the file `path`. Raises: OSError if it is missing; ValueError if it is no index."""
        settings, arrays = read(path)
        index = cls(settings["dimensions"], settings["distance"], settings["engine"], about=settings["about"])
        index._engine.restore(arrays)
        index._entries = {number: (id, metadata) for number, id, metadata in settings["entries"]}
        index._numbers = {id: number for number, (id, _) in index._entries.items()}
        index._next = settings["next"]
        return index


def _plain(id: Any) -> str | int:
    id = id.item() if isinstance(id, np.generic) else id
    if isinstance(id, bool) or not isinstance(id, str | int):
        raise ValueError(checks.message("ids", "be texts or integers", id))
    return id


def _check_metadata(metadata: Sequence[Any]) -> None:
    try:
        json.dumps(metadata)  # now rather than at `save`
    except (TypeError, ValueError) as error:
        mend = "Turn numpy's numbers into Python's with .item()."
        raise ValueError(checks.message("metadata", f"be what JSON can hold ({error})", metadata[:1], mend)) from error
