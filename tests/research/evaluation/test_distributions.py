"""FD, P-FD and SID against values worked out by hand."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from reactface_node.research.evaluation.distributions import (
    Clusters,
    motion_distance,
    paired_distance,
    shannon_index,
)


def test_fd_of_one_dimension_is_the_squared_differences_of_mean_and_deviation():
    real = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    made = 3.0 * real + 2.0
    # Unbiased deviations sqrt(4/3) and 3 sqrt(4/3): 2^2 + (2 sqrt(4/3))^2.
    assert motion_distance(made, real) == pytest.approx(4.0 + 4.0 * 4.0 / 3.0)
    assert motion_distance(real, real) == pytest.approx(0.0, abs=1e-9)


def test_p_fd_is_the_sources_formula_with_a_root_of_the_product_of_covariances():
    r = np.random.default_rng(2)
    speaker, real = r.standard_normal((2, 60, 3))
    made = real @ r.standard_normal((3, 3)) + 0.3 * speaker
    pairs = [np.concatenate([speaker, face], axis=1) for face in (real, made)]
    apart = pairs[0].mean(axis=0) - pairs[1].mean(axis=0)
    one, other = (np.cov(pair, rowvar=False) for pair in pairs)
    shared = np.trace(sqrtm(one @ other)).real
    expected = apart @ apart + np.trace(one) + np.trace(other) - 2.0 * shared
    assert paired_distance(made, real, speaker) == pytest.approx(expected, rel=1e-5)


def test_fd_reads_no_order_of_frames_and_p_fd_does():
    r = np.random.default_rng(0)
    speaker = r.standard_normal((200, 1))
    real = speaker + 0.1 * r.standard_normal((200, 1))
    shuffled = r.permutation(real)
    assert motion_distance(shuffled, real) == pytest.approx(0.0, abs=1e-9)
    assert paired_distance(real, real, speaker) == pytest.approx(0.0, abs=1e-9)
    assert paired_distance(shuffled, real, speaker) > 0.3


def test_p_fd_of_a_listener_that_is_turned_round():
    """Speaker s and listener s, or -s: covariances [[1, 1], [1, 1]] and [[1, -1], [-1, 1]], of
    which the product is zero, so that the distance is the sum of the traces, 4 times the variance.
    """
    speaker = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    assert paired_distance(-speaker, speaker, speaker) == pytest.approx(4.0 * 4.0 / 3.0)


def test_sid_is_the_entropy_in_bits():
    assert shannon_index(np.array([8, 8, 8, 8])) == pytest.approx(2.0)
    assert shannon_index(np.array([4, 2, 2, 0])) == pytest.approx(1.5)
    assert shannon_index(np.array([0, 7])) == 0.0


def test_clusters_are_the_groups_of_real_frames_and_others_fall_into_the_nearest():
    r = np.random.default_rng(1)
    places = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    frames = np.concatenate([place + 0.1 * r.standard_normal((50, 2)) for place in places])
    clusters = Clusters.of(frames, 3)
    found = clusters.centres[np.argsort(clusters.centres @ [1.0, 2.0])]
    np.testing.assert_allclose(found, places, atol=0.1)
    assert sorted(clusters.count(frames)) == [50, 50, 50]
    assert shannon_index(clusters.count(frames)) == pytest.approx(np.log2(3))
    # A listener that rests has no diversity; one that only two groups fit has one bit.
    assert shannon_index(clusters.count(np.zeros((9, 2)))) == 0.0
    assert shannon_index(clusters.count(np.array([[6.0, 0.0], [0.0, 9.0]]))) == pytest.approx(1.0)
    np.testing.assert_array_equal(Clusters.of(frames, 3).centres, clusters.centres)


def test_fewer_different_frames_than_clusters():
    still = np.zeros((100, 3))
    assert Clusters.of(still, 40).count(still).tolist() == [100]
