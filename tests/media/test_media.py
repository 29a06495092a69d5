"""Video files in and out."""

import numpy as np
import pytest

from reactface_node.errors import UserError
from reactface_node.media.video import AudioInput, ImageInput, VideoWriter, read_video


def write(path, frames=30, audio=True):
    with VideoWriter(path, 64, 48) as video:
        for index in range(frames):
            video.write_image(np.full((48, 64, 3), 8 * index, np.uint8))
            if audio:
                time = (index * 640 + np.arange(640)) / 16000
                video.write_audio(index / 25, 0.5 * np.sin(2 * np.pi * 440 * time), 16000)


def test_what_is_written_is_read_back_in_time_order(tmp_path):
    path = tmp_path / "out.mp4"
    write(path)
    inputs = list(read_video(path))
    images = [item for item in inputs if isinstance(item, ImageInput)]
    sounds = [item for item in inputs if isinstance(item, AudioInput)]
    assert len(images) == 30
    assert [item.arrival_s for item in inputs] == sorted(item.arrival_s for item in inputs)
    np.testing.assert_allclose([i.stamp_s for i in images], np.arange(30) / 25, atol=1e-3)
    assert abs(int(images[20].rgb.mean()) - 160) < 5
    heard = np.concatenate([item.samples[:, 0] for item in sounds])[4096:48000]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert spectrum.argmax() * 48000 / len(heard) == pytest.approx(440, abs=3)
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_video_without_sound_is_fine(tmp_path):
    write(tmp_path / "mute.mp4", audio=False)
    assert all(isinstance(i, ImageInput) for i in read_video(tmp_path / "mute.mp4"))


def test_nothing_half_written_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "out.mp4", 64, 48) as video:
        video.write_image(np.zeros((48, 64, 3), np.uint8))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_one_line(tmp_path):
    (tmp_path / "there.mp4").write_bytes(b"x")
    with pytest.raises(UserError, match="exists already"):
        VideoWriter(tmp_path / "there.mp4", 64, 48)
    with pytest.raises(UserError, match="cannot write"):
        VideoWriter(tmp_path / "no" / "folder.mp4", 64, 48)
    with pytest.raises(UserError, match="no video that can be read"):
        list(read_video(tmp_path / "there.mp4"))
    with pytest.raises(UserError, match="no video that can be read"):
        list(read_video(tmp_path / "missing.mp4"))
