"""The sample's bag, written with a stand-in for the drawing, read by the project's reader."""

from pathlib import Path

import numpy as np
import pytest

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data import sample_bag as sample
from reactface_node.research.data.sample import images
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.messages.audio import audio_to_samples, format_from_info
from reactface_node.ros.messages.convert import stamp_of
from reactface_node.ros.messages.images import image_to_rgb

pytestmark = pytest.mark.slow


def grey(face: np.ndarray) -> np.ndarray:
    return np.full((48, 64, 3), 100 + int(100 * face[24]), np.uint8)


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "drawn_images", lambda faces: images(faces, grey))
        sample.write_sample(path)
    return path


def test_the_bag_has_what_the_session_listens_to(bag: Path):
    with BagReader(bag) as reader:
        found = reader.inputs(RosConfig())
        assert found.image is not None and found.image.count == 720
        assert found.audio is not None and found.audio.count == 600
        assert found.audio_info is not None
        assert reader.duration_s == pytest.approx(24.0, abs=0.1)


def test_its_sound_and_images_are_stamped_and_complete(bag: Path):
    with BagReader(bag) as reader:
        messages = list(reader.messages())
        assert reader.damaged == 0
    assert messages[0].topic == "/audio_info"
    bare = format_from_info(messages[0].message)
    audio = [audio_to_samples(m.message, bare) for m in messages if m.topic == "/audio"]
    assert sum(a.duration_s for a in audio) == pytest.approx(24.0)
    stamps = np.array([a.stamp_s for a in audio])
    assert np.diff(stamps) == pytest.approx(0.04, abs=1e-6)
    pictures = [m.message for m in messages if m.topic == "/image"]
    assert image_to_rgb(pictures[0]).shape == (48, 64, 3)
    assert stamp_of(pictures[-1]) - stamp_of(pictures[0]) == pytest.approx(719 / 30, abs=1e-6)


def test_an_existing_output_is_left_alone(bag: Path):
    with pytest.raises(UserError, match="exists already"):
        sample.write_sample(bag)
