import pickle
import zipfile

import numpy as np
import pytest

from kerascnn.metrics import distance_matrix
from kerascnn.retrieval import Index

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(200, 16)).astype("float32")
QUERIES = RNG.normal(size=(9, 16)).astype("float32")
IDS = [f"image {i}" for i in range(200)]
DISTANCES = ("cosine", "euclidean", "squared")


@pytest.fixture(params=["exact", "usearch"])
def engine(request):
    if request.param == "usearch":
        pytest.importorskip("usearch")
    return request.param


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_nearest_of_all(distance, engine):
    """With 200 vectors the graph's search, too, meets all that are near."""
    index = Index(16, distance, engine).add(ROWS, IDS, [{"row": i} for i in range(200)])
    every = distance_matrix(QUERIES, ROWS, distance)
    order = np.argsort(every, axis=1)[:, :5]
    ids, distances, metadata = index.search(QUERIES, 5)
    assert ids == [[IDS[i] for i in row] for row in order]
    assert metadata == [[{"row": i} for i in row] for row in order]
    np.testing.assert_allclose(distances, np.take_along_axis(every, order, 1), rtol=1e-4, atol=1e-6)
    assert index.search(QUERIES[:1], 1).ids == [[IDS[order[0, 0]]]]


def test_what_is_removed_is_not_found_and_can_come_again(engine):
    index = Index(16, "euclidean", engine).add(ROWS[:100], IDS[:100]).add(ROWS[100:], IDS[100:])
    assert index.search(ROWS[[7]], 1).ids == [["image 7"]]
    assert len(index.remove(IDS[:50])) == 150
    assert "image 7" not in index and index.ids == IDS[50:]
    assert index.search(ROWS[[7]], 1).ids != [["image 7"]]
    assert set(index.search(ROWS[[7]], 150).ids[0]) <= set(IDS[50:])
    index.add(ROWS[[3]] + 1, ["image 7"])
    assert index.search(ROWS[[3]] + 1, 1).ids == [["image 7"]]


def test_the_file_gives_back_the_same_index(tmp_path, engine):
    index = Index(16, "cosine", engine, about={"model": "a"}).add(
        ROWS, [*IDS[:199], 199], [[i, None] for i in range(200)]
    )
    index.remove(IDS[:20])
    assert index.save(tmp_path / "my.index") == tmp_path / "my.index"
    again = Index.load(tmp_path / "my.index")
    assert (len(again), again.ids, again.distance, again.engine) == (180, index.ids, "cosine", engine)
    assert again.about == {"model": "a"} and 199 in again and "199" not in again
    one, two = index.search(QUERIES, 4), again.search(QUERIES, 4)
    assert one.ids == two.ids and one.metadata == two.metadata
    np.testing.assert_array_equal(one.distances, two.distances)
    again.add(ROWS[:20], IDS[:20]).remove(IDS[30:40])
    assert again.search(ROWS[[5, 35]], 1).ids[0] == ["image 5"] and len(again) == 190


def test_exact_search_is_at_distance_0_from_itself_and_in_order_of_adding():
    far = np.full((4, 3), 1e4, "float32") + np.array([[0.0], [1.0], [0.0], [1.0]], "float32")
    ids, distances, _ = Index(3, "euclidean").add(far, list("abcd")).search(far[:1], 9)
    assert ids == [["a", "c", "b", "d"]]
    np.testing.assert_allclose(distances, [[0, 0, 3**0.5, 3**0.5]])


def test_memory_of_an_exact_search_does_not_grow_with_the_index():
    import tracemalloc

    index = Index(4).add(RNG.normal(size=(150_000, 4)), range(150_000))
    tracemalloc.start()
    index.search(RNG.normal(size=(256, 4)), 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160e6  # the distances of all alone are 154 MB, their sorting keys 307 MB


def test_the_approximate_search_finds_nearly_all_in_more():
    pytest.importorskip("usearch")
    rows, queries = RNG.normal(size=(3000, 8)), RNG.normal(size=(50, 8))
    exact, graph = (
        Index(8, "euclidean", engine).add(rows, range(3000)).search(queries, 10).ids for engine in ("exact", "usearch")
    )
    shared = [len(set(one) & set(two)) for one, two in zip(exact, graph, strict=True)]
    assert sum(shared) / 500 > 0.9


def test_the_engine_that_is_missing_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(ImportError, match=r'pip install "kerascnn\[search\]"'):
        Index(3, engine="usearch")


def test_a_file_with_a_pickle_or_cut_short_is_not_read(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    (tmp_path / "pickle").write_bytes(pickle.dumps(Evil()))
    np.savez(tmp_path / "evil.npz", settings=np.array([Evil()], dtype=object))
    np.save(tmp_path / "plain.npy", ROWS)
    whole = Index(16).add(ROWS, IDS).save(tmp_path / "whole")
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:5000])
    assert zipfile.is_zipfile(whole)
    for name in ("pickle", "evil.npz", "plain.npy", "cut"):
        with pytest.raises(ValueError, match="`path` must be a saved index"):
            Index.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        Index.load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda index: index.add(ROWS[:2], ["c", "a"]), "`ids` must be new.*'a'"),
        (lambda index: index.add(ROWS[:2], ["c", "c"]), "`ids` must be new.*'c'"),
        (lambda index: index.add(ROWS[:2], ["c"]), "one entry an example"),
        (lambda index: index.add(ROWS[:1], ["c"], []), "`embeddings` and `metadata`"),
        (lambda index: index.add(ROWS[:1], ["c"], [np.float32(1)]), "`metadata` must be what JSON can hold"),
        (lambda index: index.add(ROWS[:1], [2.5]), "`ids` must be texts or integers"),
        (lambda index: index.add(ROWS[:1, :4], ["c"]), "`embeddings` must be of shape \\(n, 16\\)"),
        (lambda index: index.add(ROWS[:1] * np.nan, ["c"]), "`embeddings` must be finite"),
        (lambda index: index.remove(["b", "bb"]), "`ids` must be in the index.*Did you mean 'b'"),
        (lambda index: index.search(ROWS[:1], 0), "`k` must be an integer"),
        (lambda index: index.search(ROWS[0]), "`queries` must be of shape"),
        (lambda index: Index(3).search([[1, 2, 3]]), "have something to search in.*Call `add`"),
        (lambda index: Index(3, "manhattan"), "`distance` must be one of"),
        (lambda index: Index(3, engine="faiss"), "`engine` must be one of 'exact', 'usearch'"),
    ],
)
def test_errors_leave_the_index_as_it_was(call, message):
    index = Index(16).add(ROWS[:2], ["a", "b"])
    with pytest.raises(ValueError, match=message):
        call(index)
    assert index.ids == ["a", "b"] and index.search(ROWS[:1], 9).ids == [["a", "b"]]


def test_a_file_that_is_no_index_is_not_replaced(tmp_path):
    index, path = Index(16).add(ROWS, IDS), tmp_path / "photo.jpg"
    path.write_text("a photograph")
    with pytest.raises(ValueError, match="`path` must be free, or hold an earlier index"):
        index.save(path)
    np.savez(tmp_path / "arrays.npz", rows=ROWS)
    with pytest.raises(ValueError, match="`path` must be free, or hold an earlier index"):
        index.save(tmp_path / "arrays.npz")
    assert path.read_text() == "a photograph"
    index.save(index.save(tmp_path / "index"))
