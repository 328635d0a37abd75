"""What finds the nearest vectors by number: each engine can `add`, `remove`, `search`, and be written to arrays."""

from collections.abc import Mapping

import numpy as np

from kerascnn.metrics import nearest, pair_distances

NOTHING = -1  # the number where nothing was found


class Exact:
    """All vectors in memory, and every one looked at; equal vectors are at distance 0 exactly."""

    def __init__(self, dimensions: int, distance: str):
        self.distance = distance
        self.numbers = np.zeros(0, np.int64)
        self.parts = [np.zeros((0, dimensions), np.float32)]

    def add(self, numbers: np.ndarray, vectors: np.ndarray) -> None:
        """Stores vectors `(n, d)` under new numbers `(n,)`."""
        self.numbers = np.append(self.numbers, numbers)
        self.parts.append(vectors.copy())

    def remove(self, numbers: np.ndarray) -> None:
        """Forgets the vectors of these numbers."""
        kept = ~np.isin(self.numbers, numbers)
        self.numbers, self.parts = self.numbers[kept], [self._vectors()[kept]]

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and distances `(n, k)` of the nearest, `k` being at most the number of vectors."""
        vectors = self._vectors()
        places, distances = nearest(queries, vectors, k, distance=self.distance)
        for row, (query, near) in enumerate(zip(queries, places, strict=True)):  # one at a time: k x d floats
            distances[row] = pair_distances(vectors[near], query, self.distance)
        order = np.lexsort((places, distances))
        return self.numbers[np.take_along_axis(places, order, 1)], np.take_along_axis(distances, order, 1)

    def arrays(self) -> dict[str, np.ndarray]:
        """What `restore` takes."""
        return {"numbers": self.numbers, "vectors": self._vectors()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes over what `arrays` gave."""
        self.numbers, self.parts = arrays["numbers"], [arrays["vectors"]]

    def _vectors(self) -> np.ndarray:
        if len(self.parts) > 1:
            self.parts = [np.concatenate(self.parts)]
        return self.parts[0]


class Approximate:
    """A graph of neighbours (HNSW, Malkov and Yashunin 2018) by usearch, which looks at few of millions of vectors.

    Raises: ImportError that says what to install.
    """

    def __init__(self, dimensions: int, distance: str):
        try:
            from usearch.index import Index
        except ImportError as error:
            mend = 'pip install "kerascnn[search]", or pass engine="exact"'
            raise ImportError(f"engine='usearch' needs the package usearch: {mend}.") from error
        self.distance = distance
        self.graph = Index(ndim=dimensions, metric="cos" if distance == "cosine" else "l2sq", dtype="f32")

    def add(self, numbers: np.ndarray, vectors: np.ndarray) -> None:
        """Stores vectors `(n, d)` under new numbers `(n,)`."""
        self.graph.add(numbers.astype(np.uint64), vectors)

    def remove(self, numbers: np.ndarray) -> None:
        """Forgets the vectors of these numbers; the graph keeps their places for later ones."""
        self.graph.remove(numbers.astype(np.uint64))

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and distances `(n, k)` of about the nearest; NOTHING at infinity where the graph gives fewer."""
        numbers = np.full((len(queries), k), NOTHING, np.int64)
        distances = np.full((len(queries), k), np.inf, np.float32)
        found = self.graph.search(queries, k)
        for row, one in enumerate([found] if len(queries) == 1 else found):  # usearch unpacks a batch of one
            numbers[row, : len(one)] = one.keys
            distances[row, : len(one)] = np.maximum(one.distances, 0)
        return numbers, np.sqrt(distances) if self.distance == "euclidean" else distances

    def arrays(self) -> dict[str, np.ndarray]:
        """What `restore` takes."""
        return {"graph": np.frombuffer(self.graph.save(), np.uint8)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes over what `arrays` gave."""
        self.graph.load(arrays["graph"].tobytes())


ENGINES = {"exact": Exact, "usearch": Approximate}
