"""Properties of the timeline, the playout and the config on generated inputs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactface_node.config import Config, PlayoutConfig, TimelineConfig
from reactface_node.config.settings import settings as leaves
from reactface_node.errors import UserError
from reactface_node.media.audio import LONGEST_CHUNK_S
from reactface_node.schema import EXPRESSION, NUM_COEFFICIENTS, ROTATION, TRANSLATION
from reactface_node.session.playout import Playout
from reactface_node.session.stamps import AUDIO, IMAGE, HeldInputs, Order
from reactface_node.session.timeline import BUFFER_S, Timeline

pytestmark = pytest.mark.slow

# The same examples on every machine, and nothing written beside the tests.
FEW = settings(max_examples=60, derandomize=True, deadline=None, database=None)
W = 8

STAMPS = st.one_of(
    st.floats(-5.0, 40.0),
    st.sampled_from([0.0, 1.0, 1.0 + 1e-9, 3600.0, -3600.0, 1.7e9, 1e12, -1e300]),
    st.floats(allow_nan=True, allow_infinity=True),
)
SOUNDS = st.tuples(
    st.sampled_from([0, 1, 7, 160, 640, 16000, 70000]),
    st.sampled_from([1, 2, 6]),
    st.sampled_from(["int16", "float32", "float64", "uint8"]),
    st.sampled_from([4000, 16000, 22050.5, 48000, 384000]),
    st.sampled_from([0.0, 0.1, 1.0, 1e30, math.nan, math.inf]),
)
PUSHES = st.lists(
    st.one_of(
        st.tuples(st.just("image"), STAMPS),
        st.tuples(st.just("sound"), STAMPS, SOUNDS),
        st.tuples(st.just("poll"), STAMPS),
        st.tuples(st.just("step"), st.integers(1, 200)),
    ),
    max_size=40,
)


def sound(about):
    count, channels, dtype, rate_hz, level = about
    shape = count if channels == 1 else (count, channels)
    if not dtype.startswith("float"):
        return np.full(shape, int(100 * min(level, 1.0)) if level == level else 3, dtype), rate_hz
    with np.errstate(over="ignore"):
        return np.full(shape, level).astype(dtype), rate_hz


class Follower:
    """A timeline that is pushed to as a session does it, and what came out of it."""

    def __init__(self, window, eager):
        self.perceived, self.windows, self.resets = [], [], 0
        self.timeline = Timeline(TimelineConfig(), window, self._perceive, eager)
        self.back = HeldInputs(self.timeline.stats)
        self.now_s, self.window = 0.0, window

    def _perceive(self, slot, stamp_s, image):
        self.perceived.append((self.resets, slot))
        return stamp_s

    def push(self, stream, stamp_s, *data):
        order = self.timeline.order(stream, stamp_s, 0.0 if stream == IMAGE else 0.1)
        if order is Order.BACK and not self.back.jumped(stream, stamp_s, data):
            return
        if order is not Order.FORWARD:
            self.back.release()
            self.timeline.reset()
            self.resets += 1
        push = self.timeline.push_image if stream == IMAGE else self.timeline.push_audio
        if push(stamp_s, *data):
            self.back.refute()

    def poll(self, now_s):
        self.windows += [(self.resets, one) for one in self.timeline.poll(now_s)]

    def do(self, what, value, *more):
        if what == "image":
            self.push(IMAGE, value, "image")
        elif what == "sound":
            self.push(AUDIO, value, *sound(*more))
        elif what == "poll":
            self.poll(value)
        else:
            for _ in range(value):
                self.now_s += 0.02
                self.push(IMAGE, self.now_s, "image")
                self.push(AUDIO, self.now_s, np.full(320, 0.1, np.float32), 16000)
                self.poll(self.now_s)


@FEW
@given(PUSHES, st.sampled_from([(1, True), (W, False)]))
def test_whatever_is_pushed_the_timeline_gives_sound_windows_in_order(pushes, kind):
    follower = Follower(*kind)
    for push in pushes:
        follower.do(*push)
        # What waits is bounded, whatever the stamps say.
        timeline = follower.timeline
        assert len(timeline._ready) * kind[0] <= BUFFER_S * 25 + kind[0]
        assert len(timeline._payloads) <= BUFFER_S * 25 + 2
        waiting = sum(len(piece) for _, piece in timeline._audio._pieces)
        assert waiting <= (BUFFER_S + 2 * LONGEST_CHUNK_S) * 16000
    follower.poll(follower.now_s)
    places = [(resets, one.index) for resets, one in follower.windows]
    assert places == sorted(set(places))
    assert follower.perceived == sorted(set(follower.perceived))
    for _, one in follower.windows:
        assert one.audio.shape == (kind[0] * 640,) and len(one.frames) == kind[0]
        assert np.isfinite(one.audio).all() and np.abs(one.audio).max() <= 1.0
        assert one.end_s > one.start_s
        assert not one.audio.reshape(kind[0], 640)[~one.audio_valid].all(axis=1).any()


@FEW
@given(PUSHES)
def test_after_whatever_was_pushed_good_inputs_are_reacted_to_again(pushes):
    follower = Follower(1, True)
    for push in pushes:
        follower.do(*push)
    # Far beyond all stamps that were believed before.
    believed = [one.end_s for _, one in follower.windows]
    follower.now_s = max([follower.now_s, *follower.timeline._stamps.newest_s.values(), *believed])
    if not follower.now_s < 1e11:
        return
    follower.do("step", 600)  # 12 s
    last = [one for _, one in follower.windows[-100:]]
    assert all(one.frames[0] is not None and one.audio_valid.all() for one in last)


NUMBERS = st.one_of(
    st.floats(-2.0, 2.0),
    st.sampled_from([0.0, 1.0, -1.0, 1e6, 1e38, -1e38, math.nan, math.inf, -math.inf]),
)


@FEW
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, st.booleans(), st.booleans()), min_size=1, max_size=24),
    st.sampled_from([1, W]),
    st.sampled_from([0.0, 1.0, 3.0]),
    st.sampled_from([0.0, 17.0]),
    st.booleans(),
)
def test_whatever_the_model_says_the_face_is_one(reactions, frames, gain, blinks, mirror):
    config = PlayoutConfig(gain=gain, blinks_per_min=blinks, mirror=mirror, samples=2)
    playout = Playout(config, W)
    for index, (expression, head, there, asked) in enumerate(reactions):
        raw = np.zeros((2, frames, NUM_COEFFICIENTS), np.float32)
        raw[..., EXPRESSION], raw[..., EXPRESSION.stop :] = expression, head
        present = np.full(frames, there)
        samples, face = playout.finish(index, raw if asked else None, present, config)
        for shown in (samples, face):
            assert np.isfinite(shown).all()
            assert shown[..., EXPRESSION].min() >= 0.0 and shown[..., EXPRESSION].max() <= 1.0
            assert np.abs(shown[..., ROTATION]).max() <= np.float32(np.pi)
            assert np.abs(shown[..., TRANSLATION]).max() <= 1.0


@FEW
@given(
    st.lists(st.sampled_from(["next", "skip", "play", "gain", "gone", "held"]), max_size=20),
    st.integers(0, 2**31 - 1),
    st.sampled_from([1, W]),
)
def test_whatever_happens_between_windows_the_face_makes_no_jump(events, seed, frames):
    """What the model says stands still: all that moves the face is what happens."""
    config = PlayoutConfig(samples=2, blinks_per_min=0.0, idle_gain=0.0)
    rng = np.random.default_rng(seed)
    still = rng.random((2, 1, NUM_COEFFICIENTS)).astype(np.float32).repeat(frames, axis=1)
    playout, index, faces, there = Playout(config, W, seed), 0, [], True
    plan = [*["next"] * 16, *(one for event in events for one in (event, *["next"] * 3))]
    for event in plan:
        index += 3 if event == "skip" else 1
        if event == "play":
            config = replace(config, play=1 - config.play)
        elif event == "gain":
            config = replace(config, gain=1.5 - config.gain)
        elif event == "gone":
            there = not there
        raw = None if event == "held" else still
        faces.append(playout.finish(index, raw, np.full(frames, there), config)[1])
    steps = np.abs(np.diff(np.concatenate(faces), axis=0))
    # A cross-fade of one window and a fade of 0.4 s, at its steepest, may coincide.
    assert steps.max() <= (1 / W + 1.5 / 10) * 1.05


NAMES = [item.name for item in leaves(Config())]
JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.binary(max_size=4),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
ANY_NAME = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(
        ["playout", "timeline.", ".", "", "self", "a.b", "playout.gain.x", "profile.x"]
    ),
    st.text(max_size=12),
)


def good(item):
    """Values that a leaf may have."""
    if item.choices:
        return st.sampled_from(item.choices)
    if isinstance(item.value, bool):
        return st.booleans()
    if isinstance(item.value, int):
        return st.integers(math.ceil(item.low), math.floor(item.high))
    if isinstance(item.value, float):
        return st.floats(item.low, item.high)
    return st.just(item.value)


LEAVES = {item.name: item for item in leaves(Config())}
CHANGES = st.lists(st.sampled_from(NAMES), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: good(LEAVES[name]) for name in names})
)


@FEW
@given(CHANGES)
def test_a_config_comes_back_from_its_dictionary_with_what_was_changed(changes):
    try:
        config = Config().replace(**changes)
    except UserError:
        return  # Two that do not go together.
    assert Config.from_dict(config.to_dict()) == config
    after = {item.name: item.value for item in leaves(config)}
    assert {name: after[name] for name in changes} == changes


@FEW
@given(st.dictionaries(ANY_NAME, JUNK, max_size=4))
def test_any_setting_is_accepted_or_refused_in_one_line(changes):
    for make in (lambda: Config().replace(**changes), lambda: Config.from_dict(changes)):
        try:
            config = make()
        except UserError as error:
            assert str(error)
        else:
            assert Config.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_of_the_config_is_not_one(value):
    for item in leaves(Config()):
        if isinstance(item.value, float):
            with pytest.raises(UserError):
                Config().replace(**{item.name: value})
