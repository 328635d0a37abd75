import numpy as np

from kerascnn.augmentation.draws import _mix, _word, uniforms


def test_the_hash_is_splitmix64():
    # the first outputs of the reference implementation (Vigna, splitmix64.c) from state 0
    state, outputs = 0, []
    for _ in range(3):
        outputs.append(int(_mix(_word(state))[0]))
        state += 0x9E3779B97F4A7C15
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_a_draw_depends_on_seed_epoch_index_and_number_only():
    alone = uniforms(3, 4, np.array([11]), 2)[0]
    assert (uniforms(3, 4, np.arange(20), 5)[11, :2] == alone).all()
    for other in (
        uniforms(2, 4, np.array([11]), 2),
        uniforms(3, 5, np.array([11]), 2),
        uniforms(3, 4, np.array([12]), 2),
    ):
        assert (other[0] != alone).all()


def test_draws_are_even_and_independent():
    draws = uniforms(0, 0, np.arange(20_000), 3)
    assert draws.min() >= 0 and draws.max() < 1
    counts = np.stack([np.histogram(column, 10, (0, 1))[0] for column in draws.T])
    assert abs(counts - 2000).max() < 5 * 42  # five standard deviations
    off_diagonal = np.corrcoef(draws.T)[np.triu_indices(3, 1)]
    neighbours = np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]
    assert abs(np.append(off_diagonal, neighbours)).max() < 5 / 20_000**0.5


def test_seeds_and_epochs_of_any_size_are_taken():
    assert (uniforms(-1, 2**40, np.array([2**40]), 1) != uniforms(1, 2**40, np.array([2**40]), 1)).all()
