"""The numbers of ``inspect --compare`` from arrays, by values worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from reactface_node.research.data.labels import LABELLED_KINDS, ClipLabels
from reactface_node.schema import KINDS, NUM_COEFFICIENTS, ROTATION, index_of, indices_of
from reactface_node.tools.inspection.agreement import (
    CHANNELS,
    agree,
    changes,
    channel_values,
    lost_count,
    matched,
    stillest_second,
    unwrapped,
)
from reactface_node.tools.inspection.comparison import (
    compare_tracks,
    disagreements,
    still_case,
)
from reactface_node.tools.inspection.comparison_text import comparison_json, comparison_text
from reactface_node.tools.inspection.disagreement import (
    Disagreement,
    draw_sheet,
    face_picture,
    for_a_sheet,
    strongest,
)
from reactface_node.tools.inspection.label_shares import (
    frame_lengths,
    kind_shares,
    labelled_smile,
    overlaps,
)
from reactface_node.tools.inspection.tracks import STILL_IMAGES, ClipTracks, FaceTrack

SMILE, FROWN = indices_of("mouthSmile"), indices_of("mouthFrown")
JAW, BLINK = index_of("jawOpen"), indices_of("eyeBlink")


def test_channels_join_the_sides_but_not_the_directions():
    assert CHANNELS["mouthSmile"] == tuple(SMILE)
    assert CHANNELS["jawLeft"] == (index_of("jawLeft"),)
    assert CHANNELS["mouthRight"] == (index_of("mouthRight"),)
    assert sum(len(at) for at in CHANNELS.values()) == NUM_COEFFICIENTS
    assert len(CHANNELS) == 34 + 6
    coefficients = np.zeros((2, NUM_COEFFICIENTS))
    coefficients[1, SMILE] = [0.2, 0.6]
    np.testing.assert_allclose(channel_values(coefficients, "mouthSmile"), [0.0, 0.4])


def test_agreement_of_a_line():
    first = np.array([0.0, 1.0, 2.0, 3.0, np.nan, 9.0])
    second = np.array([1.0, 1.5, 2.0, 2.5, 7.0, np.nan])
    found = agree(first, second)
    assert found.n == 4
    assert found.correlation == pytest.approx(1.0)
    assert found.slope == pytest.approx(0.5)
    assert found.difference == pytest.approx((1.0 + 0.5 + 0.0 - 0.5) / 4)


def test_agreement_of_noise_around_a_line():
    # Means 1 and 1; products (1, 0, 0): covariance 1/3, variances 2/3 and 2/3.
    found = agree(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 1.0]))
    assert found.correlation == pytest.approx(0.5) and found.slope == pytest.approx(0.5)


def test_agreement_with_a_constant_and_with_too_little():
    constant = agree(np.array([0.0, 1.0, 2.0]), np.full(3, 0.4))
    assert constant.correlation is None and constant.slope == pytest.approx(0.0)
    other = agree(np.full(3, 0.4), np.array([0.0, 1.0, 2.0]))
    assert other.correlation is None and other.slope is None
    assert agree(np.array([1.0, 2.0]), np.array([2.0, 4.0])).difference == pytest.approx(1.5)
    assert agree(np.array([1.0, 2.0]), np.array([2.0, 4.0])).slope is None
    assert agree(np.array([np.nan]), np.array([1.0])).n == 0


def test_changes_over_four_tenths_of_a_second():
    times_s = np.arange(6) / 5
    values = np.array([0.0, 1.0, 4.0, np.nan, 16.0, 25.0])
    np.testing.assert_array_equal(changes(times_s, values), [4.0, np.nan, 12.0, np.nan])
    assert len(changes(np.zeros(1), np.zeros(1))) == 0


def test_angles_without_whole_turns():
    angles = np.array([3.0, np.nan, -3.0])
    np.testing.assert_allclose(unwrapped(angles), [3.0, np.nan, 2 * np.pi - 3.0])


def test_the_stillest_second():
    times_s = np.arange(40) / 10
    coefficients = np.zeros((40, NUM_COEFFICIENTS))
    coefficients[:, JAW] = np.where(np.arange(40) < 20, np.arange(40) % 2, 0.0)
    found = np.ones(40, bool)
    # Still from 2.0 s on: the second that starts there has its middle at 2.5 s.
    assert stillest_second(times_s, found, coefficients) == pytest.approx(2.5)
    found[25] = False
    assert stillest_second(times_s, found, coefficients) == pytest.approx(3.1)
    assert stillest_second(times_s, ~found, coefficients) is None
    assert stillest_second(times_s[:5], found[:5], coefficients[:5]) is None


def test_lost_faces_and_matched_blinks():
    assert lost_count(np.array([0, 1, 1, 0, 0, 1, 0], bool)) == 2
    assert lost_count(np.array([1, 1], bool)) == 0
    assert matched((1.0, 2.0, 3.0), np.array([1.2, 3.1]), 0.3) == 2
    # One blink answers one label, the nearer one.
    assert matched((1.0, 1.2), np.array([1.1]), 0.3) == 1
    assert matched((1.0,), np.array([1.4]), 0.3) == 0


def test_time_in_intervals():
    times_s = np.array([0.0, 0.1, 0.2, 0.4])
    np.testing.assert_allclose(frame_lengths(times_s), [0.1, 0.1, 0.2, 0.1])
    np.testing.assert_allclose(overlaps(times_s, ((0.05, 0.3),)), [0.05, 0.1, 0.1, 0.0])
    # Time of two kinds at once counts once.
    np.testing.assert_allclose(overlaps(times_s, ((0.0, 0.2), (0.1, 0.2))), [0.1, 0.1, 0.0, 0.0])
    assert frame_lengths(np.array([3.0])).tolist() == [0.0]


def test_shares_of_a_kind():
    row = kind_shares(
        "cry",
        "a",
        seconds=np.array([0.1, 0.3, 0.2, 0.4, 0.0]),
        found=np.array([1, 1, 1, 0, 1], bool),
        smile=np.array([0.31, 0.25, 0.1, 0.0, 0.9]),
        frown=np.array([0.0, 0.5, 0.5, 0.0, 0.5]),
        jaw=np.array([0.3, 0.0, 0.0, 0.9, 0.9]),
        kinds=np.eye(len(KINDS))[[KINDS.index(kind) for kind in ("laugh", *3 * ["cry"], "yell")]],
    )
    assert row.seconds == pytest.approx(1.0) and row.found == pytest.approx(0.6)
    assert row.smile == pytest.approx(0.1) and row.slight_smile == pytest.approx(0.4)
    assert row.frown == pytest.approx(0.5) and row.jaw == 0.0
    assert row.highest_smile == pytest.approx(0.31)
    assert row.told == "cry" and row.told_share == pytest.approx(0.5)
    nothing = np.zeros(0)
    no_kinds = np.zeros((0, len(KINDS)))
    assert kind_shares("cry", "a", nothing, nothing, nothing, nothing, nothing, no_kinds) is None


def test_onset_and_share_of_a_smile():
    times_s = np.arange(10) / 10
    smile = np.array([0.9, 0.0, 0.0, 0.1, 0.5, 0.2, 0.5, 0.5, 0.9, 0.9])
    found = np.ones(10, bool)
    row = labelled_smile("talk", "a", (0.2, 0.8), times_s, found, smile)
    assert row.onset_s == pytest.approx(0.2) and row.share == pytest.approx(0.5)
    assert row.mean == pytest.approx((0.0 + 0.1 + 0.5 + 0.2 + 0.5 + 0.5) / 6)
    found[[4, 6]] = False
    row = labelled_smile("talk", "a", (0.2, 0.8), times_s, found, smile)
    assert row.onset_s == pytest.approx(0.5) and row.share == pytest.approx(1 / 6)
    assert labelled_smile("talk", "a", (0.85, 0.95), times_s, found, smile).onset_s == 0.0
    never = labelled_smile("talk", "a", (0.1, 0.3), times_s, found, smile)
    assert never.onset_s is None and never.share == 0.0
    assert labelled_smile("talk", "a", (5.0, 6.0), times_s, found, smile) is None


def test_the_strongest_moments_lie_apart():
    times_s = np.arange(8) * 0.2
    spread = np.array([0.1, 0.9, 0.8, np.nan, 0.5, 0.6, 0.05, 0.3])
    found = strongest("talk", times_s, spread, 0.1, 12)
    assert [one.index for one in found] == [1, 5]
    assert found[0] == Disagreement("talk", 1, pytest.approx(0.2), 0.9)
    assert [one.index for one in strongest("talk", times_s, spread, 0.1, 1)] == [1]
    assert strongest("talk", times_s, spread, 0.95, 12) == []


def test_no_clip_fills_a_sheet():
    long = [Disagreement("long", k, float(k), 0.9 - 0.01 * k) for k in range(12)]
    short = [Disagreement("short", k, float(k), 0.3) for k in range(2)]
    chosen = for_a_sheet([long, [], short])
    assert [one.clip for one in chosen] == ["long"] * 6 + ["short"] * 2
    assert len(for_a_sheet([long])) == 12
    assert for_a_sheet([[], []]) == []


def test_a_face_is_cut_with_its_margin():
    rgb = np.zeros((100, 200, 3), np.uint8)
    rgb[40:60, 90:110] = 255  # A face of 20 pixels in the middle.
    tile = face_picture(rgb, np.array([0.45, 0.4, 0.55, 0.6]))
    assert tile.shape == (240, 240, 3)
    bright = np.flatnonzero(tile[120, :, 0] > 127)
    # 20 of 26 pixels: 1 / 1.3 of the tile.
    assert len(bright) == pytest.approx(240 / 1.3, abs=3)
    assert bright.mean() == pytest.approx(119.5, abs=6)


def test_a_sheet_has_rows_of_four_and_text_below():
    tiles = [
        (np.full((240, 240, 3), 40 * k, np.uint8), ["talk é" * 30, "", "a 0.50"]) for k in range(5)
    ]
    sheet = draw_sheet("mouthSmile", tiles)
    assert sheet.shape == (30 + 2 * (240 + 3 * 18 + 12), 4 * 246 + 6, 3)
    assert sheet[30 + 120, 6 + 246 + 120].tolist() == [40, 40, 40]
    assert sheet[30 + 306 + 120, 6 + 120].tolist() == [160, 160, 160]
    assert sheet[30 + 240 : 30 + 306, :240].min() < 100  # There is text,
    assert (sheet[30 + 240 : 30 + 306, 246:252] == 255).all()  # which is cut at the tile's edge.
    assert sheet[30 + 306 + 120, 6 + 246 + 120].tolist() == [255, 255, 255]


def track(coefficients, found=None, transform=None, given=True):
    n = len(coefficients)
    return FaceTrack(
        coefficients=coefficients,
        kinds=np.zeros((n, len(KINDS))),
        given=np.full(NUM_COEFFICIENTS, given),
        found=np.ones(n, bool) if found is None else found,
        transform=np.full((n, 3), np.nan) if transform is None else transform,
        boxes=np.tile([0.4, 0.4, 0.6, 0.6], (n, 1)),
        cpu_s=np.concatenate([np.full(10, 9.0), np.full(n - 10, 0.005)]),
        people=1,
    )


def clip_of(**tracks):
    n = len(next(iter(tracks.values())).coefficients)
    return ClipTracks(Path("clips/talk.mp4"), np.arange(n) / 25, (640, 480), tracks)


def smiling(values):
    coefficients = np.zeros((len(values), NUM_COEFFICIENTS), np.float32)
    coefficients[:, SMILE] = np.array(values)[:, None]
    return coefficients


def test_a_comparison_of_two_finders():
    ramp = np.linspace(0, 1, 100)
    angles = 0.2 * np.sin(np.arange(100))
    first, second = smiling(ramp), smiling(0.5 * ramp)
    first[:, ROTATION.start] = 0.55 * angles
    second[50:53, BLINK] = 1.0
    found = np.ones(100, bool)
    found[90:] = False
    clip = clip_of(
        a=track(first, found),
        b=track(second, transform=np.stack([angles + 1.0] * 3, axis=1)),
    )
    labels = {"talk": ClipLabels({"cry": ((0.0, 2.0),), "smile": ((2.0, 4.0),)}, blinks=(2.1, 3.0))}
    result = compare_tracks([clip], labels, [])
    assert result.finders == ("a", "b")
    of_a, of_b = result.clips
    assert of_a.found == pytest.approx(0.9) and of_a.lost == 1
    assert of_a.longest_without_s == pytest.approx(0.44) and of_a.duration_s == pytest.approx(4.0)
    # The images in which the models start do not count.
    assert of_b.cpu_ms == pytest.approx(5.0)
    assert of_b.blinks_s == (2.0,)
    assert (of_b.blinks_expected, of_b.blinks_matched) == (2, 1)
    assert (of_a.blinks_expected, of_a.blinks_matched) == (2, 0)
    rows = {row.channel: row.agreement for row in result.channels}
    assert rows["mouthSmile"].n == 90
    assert rows["mouthSmile"].slope == pytest.approx(0.5, rel=1e-5)
    assert rows["mouthSmile"].correlation == pytest.approx(1.0)
    assert rows["mouthSmile"].difference == pytest.approx(-0.5 * ramp[:90].mean(), rel=1e-5)
    head = {(row.axis, row.finder): row.agreement for row in result.head}
    assert head["pitch", "a"].slope == pytest.approx(0.55, rel=1e-5)
    assert head["yaw", "a"].slope == pytest.approx(0.0)
    assert {row.reference for row in result.head} == {"b"}
    kinds = {(row.kind, row.finder): row for row in result.kinds}
    # a is over 0.3 from image 30 of 50 on, b from image 60 on.
    assert kinds["cry", "a"].smile == pytest.approx(0.4)
    assert kinds["cry", "b"].smile == 0.0 and kinds["no smile", "a"].seconds == pytest.approx(2.0)
    smiles = {row.finder: row for row in result.smiles}
    assert smiles["a"].onset_s == 0.0 and smiles["a"].share == pytest.approx(0.8)
    assert smiles["b"].onset_s == pytest.approx(0.4) and smiles["b"].share == pytest.approx(0.8)
    text = comparison_text(result)
    assert max(map(len, text.splitlines())) <= 100
    assert "b against a" in text and "1 of 2 labelled" in text


def test_disagreements_of_three_finders():
    values = np.zeros(30)
    high, low = values.copy(), values.copy()
    high[4], low[25], high[26] = 0.7, 0.05, 0.4
    found = np.ones(30, bool)
    found[4] = False
    clip = clip_of(
        a=track(smiling(high)), b=track(smiling(low)), c=track(smiling(low), given=False)
    )
    assert [(one.index, one.spread) for one in disagreements(clip, "mouthSmile", 12)] == [
        (4, pytest.approx(0.7)),
        (26, pytest.approx(0.4)),
    ]
    assert disagreements(clip, "jawOpen", 12) == []
    unseen = clip_of(a=track(smiling(high)), b=track(smiling(low), found))
    assert [one.index for one in disagreements(unseen, "mouthSmile", 12)] == [26]
    assert disagreements(clip_of(a=track(smiling(high))), "mouthSmile", 12) == []


def test_a_still_image_has_levels_and_noise():
    coefficients = np.zeros((STILL_IMAGES + 100, NUM_COEFFICIENTS))
    coefficients[7, JAW] = 0.4
    coefficients[7, ROTATION.start] = -0.2
    coefficients[STILL_IMAGES:, JAW] = np.tile([0.5, 0.7], 50)
    case = still_case("talk", "a", 1.0, True, track(coefficients))
    assert case.highest[JAW] == pytest.approx(0.4)
    assert case.highest[ROTATION.start] == pytest.approx(0.2)
    assert case.noise[JAW] == pytest.approx(0.1)
    assert case.found == 1.0 and case.noise[SMILE].max() == 0.0


def test_three_finders_fit_on_100_columns_and_in_json():
    values = np.linspace(0, 1, STILL_IMAGES + 100)
    nobody = np.zeros(len(values), bool)
    clip = ClipTracks(
        Path("clips/a_clip_with_a_name_that_is_far_too_long_for_a_column.mp4"),
        np.arange(len(values)) / 25,
        (1920, 1080),
        {
            "measures": track(smiling(values)),
            "learned": track(smiling(values**2), transform=np.zeros((len(values), 3))),
            "fused": track(smiling(0 * values), nobody, given=False),
        },
    )
    still = [
        still_case(clip.name, finder, 12.5, finder == "learned", one)
        for finder, one in clip.tracks.items()
    ]
    intervals = {kind: ((0.0, 1.0), (2.0, 300.0)) for kind in LABELLED_KINDS}
    labels = {clip.name: ClipLabels(intervals, tuple(float(k) for k in range(40)))}
    result = compare_tracks([clip], labels, still)
    text = comparison_text(result)
    assert max(map(len, text.splitlines())) <= 100
    # (249 / 349) ** 2. Only labelled faces have a highest value, and only found ones noise.
    (line,) = [line for line in text.splitlines() if line.split()[:2] == ["mouthSmile", "-"]]
    assert line.split()[3:4] == ["0.51"] and line.split()[-2:] == ["-", "-"]
    found = json.loads(json.dumps(comparison_json(result), allow_nan=False))
    assert found["still"][2]["noise"] == {} and len(found["still"][1]["highest"]) == 58
    assert found["head"][0]["agreement"]["slope"] is None
    assert {row["finder"] for row in found["kinds"]} == {"measures", "learned", "fused"}
