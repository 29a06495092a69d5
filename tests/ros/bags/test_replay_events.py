"""The repository's sample, replayed: the events in the bag are those of its face and its voice."""

import numpy as np
import pytest
from rigs.paths import ROOT

from reactface_node.config import Config
from reactface_node.research.data.head_nods import head_nods
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.replay import replay
from reactface_node.ros.messages import convert
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

PHRASES_END_S = (1.42, 4.62, 7.22, 8.86, 10.42, 12.66, 15.94, 17.7, 20.42, 23.3)
"""Where the level of the sample's audio falls for 0.2 s and more, after its first stamp: the ends
of the script's phrases, and of a gasp of surprise."""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """The coefficients and the events of the bag; by loudness, which every machine has."""
    out = tmp_path_factory.mktemp("events") / "out"
    off = {"render.renderer": "none", "perception.voice_activity": "none.onnx"}
    config = Config.load(overrides={"playout.seed": 2, **off})
    replay(config, ROOT / "sample", out, None, lambda: ReactionSession.load(config))
    with BagReader(out) as bag:
        faces = list(bag.messages(["/reactface/coefficients"]))
        events = list(bag.messages(["/reactface/events"]))
    return faces, events


def of(events, who, kind, phase):
    found = [one.message for one in events]
    return [one for one in found if (one.who, one.kind, one.phase) == (who, kind, phase)]


def test_the_nods_are_those_of_the_shown_face(replayed):
    faces, events = replayed
    pitch = np.array([face.message.rotation[0] for face in faces], np.float64)
    first_s = convert.stamp_of(faces[0].message)
    starts = of(events, "listener", "nod", "start")
    assert len(starts) >= 3
    # The offline finder sees the whole track.
    known = head_nods(pitch)
    begun = np.array([convert.stamp_of(event) - first_s for event in starts])
    ends = of(events, "listener", "nod", "end")
    assert 0 <= len(starts) - len(ends) <= 1
    for one in ends:
        assert one.cycles >= 1 and 0.8 <= one.rate_hz <= 6.5 and one.depth_rad > 0.015
        assert one.duration_s == pytest.approx(one.cycles / one.rate_hz, abs=0.3)
    # Breath and posture are in the shown face too, and move the offline finder's starts.
    seen = [any(nod.start_s - 0.3 < start_s < nod.end_s for nod in known) for start_s in begun]
    assert sum(seen) > len(seen) / 2, seen


def test_the_ends_of_the_phrases_are_those_of_the_voice(replayed):
    _, events = replayed
    with BagReader(ROOT / "sample") as bag:
        start_s = convert.stamp_of(next(bag.messages(["/audio"])).message)
    ends = of(events, "speaker", "phrase_end", "once")
    found = [convert.stamp_of(event) - start_s for event in ends]
    assert found == pytest.approx(PHRASES_END_S, abs=0.05)
    turns = of(events, "speaker", "turn_end", "once")
    assert [convert.stamp_of(one) - start_s for one in turns] == pytest.approx(
        (12.66, 20.42), abs=0.05
    )
    # Told 0.2 s after the voice ended, and what reactions need.
    waits = [one.stamp_s - convert.stamp_of(one.message) for one in events]
    phrases = [w for w, one in zip(waits, events, strict=True) if one.message.kind == "phrase_end"]
    assert max(phrases) < 0.4


def test_every_start_has_its_end_or_goes_on(replayed):
    _, events = replayed
    for kind in ("nod", "smile", "gaze_away"):
        phases = [one.message.phase for one in events if one.message.kind == kind]
        assert phases and phases == (["start", "end"] * len(phases))[: len(phases)]
