"""Nods to real speech: the pauses, the chance level, and the shipped weights."""

import numpy as np
import pytest
from rigs.paths import SHARED

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.media.video import VideoWriter
from reactface_node.research.evaluation.evaluate import probe
from reactface_node.research.evaluation.recording import pauses, recording, timing

SPEECH = SHARED / "clips" / "speech_16k.wav"


def test_a_pause_is_where_speech_gives_way_to_silence():
    rng = np.random.default_rng(0)
    audio = 0.001 * rng.standard_normal(16000 * 8)
    for start, end in ((1.0, 3.0), (4.0, 4.2), (5.0, 6.0)):
        audio[int(start * 16000) : int(end * 16000)] += 0.1 * rng.standard_normal(
            int(end * 16000) - int(start * 16000)
        )
    # The short cry at 4 s is no speech that anybody would answer.
    assert pauses(audio).tolist() == [3.0, 6.0]


def test_timing_is_one_by_chance_and_the_share_of_time_turned_over_where_all_nods_answer():
    everywhere = [np.arange(0, 60, 0.1)]
    assert timing(everywhere, np.array([10.0, 30.0]), 60.0) == pytest.approx(1.0, abs=0.05)
    assert timing([np.array([10.5]), np.array([31.0])], np.array([10.0, 30.0]), 60.0) == (
        pytest.approx(20.0, rel=0.02)
    )
    assert np.isnan(timing([np.array([])], np.array([1.0]), 60.0))


def test_a_file_without_speech_is_one_line(tmp_path):
    path = tmp_path / "quiet.mp4"
    with VideoWriter(path, 64, 64) as video:
        for _ in range(25):
            video.write_image(np.zeros((64, 64, 3), np.uint8))
        video.write_audio(0.0, np.zeros(16000, np.float32), 16000)
    with pytest.raises(UserError, match=r"quiet\.mp4 has 0 pauses"):
        recording(None, path, Config.load())


@pytest.mark.slow
@pytest.mark.skipif(not SPEECH.is_file(), reason="needs the shared recording of real speech")
def test_the_shipped_weights_nod_to_real_speech_as_often_as_people():
    nods, *_ = (one.value for one in probe(Config.load(), SPEECH)[-4:])
    assert 4.0 < nods < 10.0


@pytest.mark.slow
@pytest.mark.skipif(not SPEECH.is_file(), reason="needs the shared recording of real speech")
@pytest.mark.xfail(strict=True, reason="they hardly nod more in pauses: see the model card")
def test_the_shipped_weights_nod_in_the_pauses_of_real_speech():
    _, lift, _, deaf = (one.value for one in probe(Config.load(), SPEECH)[-4:])
    assert lift > 1.25 and lift > deaf + 0.2
