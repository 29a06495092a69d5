"""The metrics: hand-made values, both scales, and the released code's golden numbers."""

import math

import numpy as np
import pytest
from dtaidistance import dtw_ndim
from rigs import golden

from reactface_node.errors import UserError
from reactface_node.research.evaluation import workers
from reactface_node.research.evaluation.appropriateness import concordance, distance
from reactface_node.research.evaluation.metrics import all_metrics, frdiv, frdvs, frvar
from reactface_node.research.evaluation.synchrony import lagged_correlation, synchrony


def smooth(x):
    return np.apply_along_axis(lambda v: np.convolve(v, np.ones(9) / 9, "same"), -2, x)


def made(case):
    """The inputs that the golden folder's README describes."""
    n, m, t = case["clips"], case["samples"], case["frames"]
    r = np.random.default_rng(case["seed"])
    speaker = smooth(r.standard_normal((n, t, 58)))
    listener = smooth(r.standard_normal((n, t, 58)))
    lag = r.integers(-20, 21, (n, m))
    noise = smooth(r.standard_normal((n, m, t, 58)))
    prediction = np.empty((n, m, t, 58))
    for i in range(n):
        for j in range(m):
            shifted = np.roll(speaker[i], lag[i, j], axis=0)
            prediction[i, j] = 0.6 * shifted + 0.5 * noise[i, j] + 0.3 * listener[i]
    neighbours = (r.random((n, n)) < 0.4).astype(int)
    np.fill_diagonal(neighbours, 1)
    known = [np.flatnonzero(row) for row in neighbours]
    return (part.astype(np.float32) for part in (prediction, speaker, listener)), known


@pytest.mark.parametrize("case", golden.cases("metrics"))
def test_the_released_codes_numbers(case):
    (prediction, speaker, listener), known = made(case)
    got = all_metrics(prediction, speaker, listener, known)
    ours = {name: got[name] for name in ("FRDvs", "FRVar", "FRDiv", "FRSyn")}
    ours |= {"FRCorr": got["FRCorr_sum"], "FRDist": got["FRDist_sum"]}
    for name, expected in case["expected"].items():
        assert ours[name] == pytest.approx(expected, rel=1e-4), name
    assert got["FRCorr"] == pytest.approx(got["FRCorr_sum"] / case["samples"])
    assert got["FRDist_s"] > 0
    assert got["FRCorr_best"] >= got["FRCorr"] and got["FRDist_best"] <= got["FRDist"]


def test_diversity_by_hand_in_both_scales():
    # Two clips, two samples, two frames, one dimension.
    x = np.array([[[[0.0], [2.0]], [[1.0], [3.0]]], [[[4.0], [4.0]], [[1.0], [7.0]]]])
    between = [(16 + 4) / 2, (0 + 16) / 2]  # MSE of the two clips, sample by sample
    assert frdvs(x, paper_scale=True) == pytest.approx(sum(between) / (2 * 1 * 2))
    assert frdvs(x) == pytest.approx(2 * sum(between) / (2 * 1 * 2))
    within = [1 + 1, 9 + 9]  # squared L2 of the two samples, clip by clip
    assert frdiv(x, paper_scale=True) == pytest.approx(sum(within) / (2 * 2 * 1))
    assert frdiv(x) == pytest.approx(2 * sum(within) / (2 * 2 * 1) / 2)
    assert frvar(x) == pytest.approx((2 + 2 + 0 + 18) / 4)
    assert math.isnan(frdiv(x[:, :1])) and math.isnan(frdvs(x[:1]))


def test_concordance_is_one_for_the_same_and_punishes_shift_scale_and_stillness():
    t = np.linspace(0, 6, 50)
    real = np.stack([np.sin(t), np.cos(t)], axis=1)[None]
    x = np.stack([real[0], real[0] + 1.0, 0.5 * real[0], np.zeros_like(real[0])])[None]
    got = concordance(x, real, [np.array([0])])[0]
    variance = real[0].var(axis=0)
    assert got[0] == pytest.approx(1.0)
    assert got[1] == pytest.approx((2 * variance / (2 * variance + 1)).mean())
    means = real[0].mean(axis=0)
    half = variance / (1.25 * variance + (0.5 * means) ** 2)
    assert got[2] == pytest.approx(half.mean())
    assert got[3] == 0.0


def plain_warp(x, y):
    cost = ((x[:, None] - y[None]) ** 2).sum(-1)
    total = np.full((len(x) + 1, len(y) + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(len(x)):
        for j in range(len(y)):
            best = min(total[i, j], total[i, j + 1], total[i + 1, j])
            total[i + 1, j + 1] = cost[i, j] + best
    return math.sqrt(total[-1, -1])


def test_the_nearest_warp_is_the_smallest_of_all():
    r = np.random.default_rng(2)
    reactions = r.standard_normal((5, 40, 3)).cumsum(axis=1)
    x = r.standard_normal((2, 3, 40, 3)).cumsum(axis=2)
    x[1, 2] = x[1, 0]
    known = [np.array([0, 3]), np.array([1, 2, 4])]
    got = distance(x, reactions, known)
    expected = [
        [min(plain_warp(one, reactions[k]) for k in ks) for one in clip]
        for clip, ks in zip(x, known, strict=True)
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    banded = distance(x, reactions, known, band=5)
    assert (banded >= got - 1e-9).all() and (banded > got + 1e-6).any()


def test_a_band_is_the_frames_that_may_stray():
    x = np.array([0.0, 1.0, 0.0, 0.0, 0.0])[None, None, :, None]
    late = np.array([[0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0]])[..., None]
    bands = (0, 1, 2, None)
    # A step that comes a frame late: two frames differ by 1, unless one frame may stray.
    found = [distance(x, late, [np.array([0])], band=band)[0, 0] for band in bands]
    assert found == pytest.approx([math.sqrt(2), 0, 0, 0])
    found = [distance(x, late, [np.array([1])], band=band)[0, 0] for band in bands]
    assert found == pytest.approx([math.sqrt(2), math.sqrt(2), 0, 0])


@pytest.mark.parametrize("band", [None, 4])
def test_an_abandoned_warp_loses_no_candidate(band):
    """Faces that move in a few ways, as real ones do, so that most warps are abandoned."""
    r = np.random.default_rng(5)
    ways = r.standard_normal((4, 30))
    reactions = r.standard_normal((12, 60, 4)).cumsum(axis=1) @ ways
    x = reactions[:3, None] + 0.5 * r.standard_normal((3, 2, 60, 4)).cumsum(axis=2) @ ways
    window = None if band is None else band + 1

    def plain(one, other):
        return dtw_ndim.distance(one, other, window=window, use_c=True)

    got = distance(x, reactions, [np.arange(3, 12)] * 3, band=band)
    expected = [[min(plain(one, reactions[k]) for k in range(3, 12)) for one in clip] for clip in x]
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_a_reaction_equal_to_a_real_one_is_at_no_distance():
    reactions = np.random.default_rng(0).standard_normal((2, 30, 4))
    assert distance(reactions[None, 1:], reactions, [np.array([0, 1])])[0, 0] == 0.0


def test_synchrony_is_the_lag():
    r = np.random.default_rng(1)
    speaker = smooth(r.standard_normal((1, 300, 4)))
    follower = np.roll(speaker, 12, axis=1)
    leader = np.roll(speaker, -7, axis=1)
    both = np.stack([follower[0], leader[0]])[None]
    got = synchrony(both, speaker)
    assert got.mean == pytest.approx((12 + 7) / 2) and got.released == 12
    assert got.constant_dimensions == 0


def test_a_still_dimension_is_left_out_and_makes_the_released_number_49():
    r = np.random.default_rng(1)
    speaker = smooth(r.standard_normal((1, 300, 4)))
    follower = np.roll(speaker, 12, axis=1)
    follower[..., 2] = 0.3
    got = synchrony(follower[None][0][:, None], speaker)
    assert got.mean == 12 and got.released == 49 and got.constant_dimensions == 1


def test_lagged_correlation_is_pearsons_of_what_overlaps():
    r = np.random.default_rng(4)
    x, y = r.standard_normal((1, 120, 2)), r.standard_normal((120, 2))
    got = lagged_correlation(x, y)
    assert got[0, 49 + 10, 1] == pytest.approx(np.corrcoef(x[0, 10:, 1], y[:-10, 1])[0, 1])
    assert got[0, 49 - 20, 0] == pytest.approx(np.corrcoef(x[0, :-20, 0], y[20:, 0])[0, 1])
    with pytest.raises(ValueError, match="too few"):
        lagged_correlation(x[:, :60], y[:60])


@pytest.mark.slow
def test_two_workers_give_the_same_numbers_as_one():
    r = np.random.default_rng(6)
    x = r.standard_normal((3, 2, 80, 5)).cumsum(axis=2)
    reactions = r.standard_normal((6, 80, 5)).cumsum(axis=1)
    known = [np.array([0, 1, 2]), np.array([3]), np.array([2, 4, 5])]
    x, known = np.tile(x, (6, 1, 1, 1)), known * 6  # enough that processes are started
    assert len(x) >= 2 * workers.FEW
    with workers.Workers(2) as pool:
        one, two = (all_metrics(x, x[:, 1], reactions, known, workers=n) for n in (None, pool))
    assert one.pop("FRDist_s") > 0 and two.pop("FRDist_s") > 0
    assert one == two
    assert one["FRDist"] == pytest.approx(10 * distance(x, reactions, known).mean())
    assert one["FRCorr"] == pytest.approx(10 * concordance(x, reactions, known).mean())
    assert one["FRSyn"] == pytest.approx(synchrony(x, x[:, 1]).mean)


def test_bad_input_names_the_clip():
    x = np.zeros((2, 1, 120, 3))
    with pytest.raises(UserError, match="clip 1 has no appropriate reaction"):
        all_metrics(x, x[:, 0], x[:, 0], [np.array([0]), np.array([], int)])
    x[1, 0, 5, 2] = np.nan
    with pytest.raises(UserError, match="clip 1 hold values that are no numbers"):
        all_metrics(x, x[:, 0], x[:, 0], [np.array([0]), np.array([1])])
