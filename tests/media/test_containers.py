"""Videos of users: damaged, of several streams, with odd names, rotated, with wrong stamps."""

import logging
import os
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from rigs.face_model import needs_face_model
from rigs.video_files import add_cover, grey, packets, pitch_hz, set_matrix, spoil, write

from reactface_node.cli.main import main
from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.media.containers import (
    _Damage,
    _orientation,
    _packets,
    frame_samples,
    open_media,
    pictures,
    sounds,
)
from reactface_node.media.pictures import upright
from reactface_node.media.video import (
    AudioInput,
    ImageInput,
    VideoWriter,
    read_video,
    video_formats,
)
from reactface_node.research.data.decode import duration_frames, read_audio, video_frames
from reactface_node.ros.bags.source import open_source

FORMATS = {
    "mp4": ("mp4", "mpeg4"),
    "mkv": ("matroska", "mpeg4"),
    "avi": ("avi", "mpeg4"),
    "ts": ("mpegts", "mpeg2video"),
    "mts": ("mpegts", "mpeg2video"),
    "mpg": ("mpeg", "mpeg2video"),
    "3gp": ("3gp", "mpeg4"),
    "flv": ("flv", "flv"),
    "qt": ("mov", "mpeg4"),
    "wmv": ("asf", "wmv2"),
    "webm": ("webm", "libvpx"),
}
CUT = {"mkv", "ts", "avi", "flv", "webm", "mpg"}
"""Formats that stay readable if the recorder is killed."""


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING)
    return caplog


def read(path):
    items = list(read_video(path))
    assert [i.arrival_s for i in items] == sorted(i.arrival_s for i in items)
    images = [item for item in items if isinstance(item, ImageInput)]
    return images, [item for item in items if isinstance(item, AudioInput)]


def heard_s(chunks):
    return sum(len(chunk.samples) / chunk.rate_hz for chunk in chunks)


def index_of(rgb):
    """Which of the written pictures it is."""
    level = float(rgb[rgb.shape[0] // 2 :].mean())
    return round((level - 20) / 6)


def written(folder, suffix, frames=75):
    format, codec = FORMATS[suffix]
    tones = () if suffix == "wmv" else (440,)
    return write(folder / f"talk.{suffix}", frames, format=format, codec=codec, tones=tones)


@pytest.mark.parametrize("name", ["", "talk", "talk.dat", "talk.mcap", "talk.db3"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_ffmpeg_is_asked_whatever_the_suffix(suffix, name, tmp_path, said):
    path = written(tmp_path, suffix, 10)
    if name:
        path = path.rename(tmp_path / name)
    with open_source(path, RosConfig()) as source:
        images = [item for item in source.items if isinstance(item, ImageInput)]
    assert [index_of(image.rgb) for image in images] == list(range(10))
    assert said.records == []


def test_what_is_neither_a_bag_nor_a_video(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    (tmp_path / "empty.ts").write_bytes(b"")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\ntalk.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile talk.mp4\n")
    write(tmp_path / "talk.mp4", 5)
    for name in ("notes.txt", "empty.ts", "list.m3u8", "list.mp4"):
        with (
            pytest.raises(UserError, match="is no video that can be read"),
            open_source(tmp_path / name, RosConfig()),
        ):
            pass
    (tmp_path / "text.mcap").write_text("nothing to see")
    with (
        pytest.raises(UserError, match="rosbag2"),
        open_source(tmp_path / "text.mcap", RosConfig()),
    ):
        pass
    for name in ("missing.ts", "a" * 300, "a\0b"):
        with (
            pytest.raises(UserError, match=r"does not exist|cannot be read") as refused,
            open_source(tmp_path / name, RosConfig()),
        ):
            pass
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("suffix", ["mp4", "avi", "qt", "3gp"])
def test_damaged_packets_are_left_out(suffix, tmp_path, said):
    path = written(tmp_path, suffix)
    spoil(path, packets(path, "video")[30:33])
    images, chunks = read(path)
    # Until the next picture that stands alone what the decoder has is shown.
    assert len(images) == 72 and images[-1].stamp_s == pytest.approx(2.96)
    assert index_of(images[-1].rgb) == 74 % 30
    assert heard_s(chunks) >= 2.9
    (line,) = [record.getMessage() for record in said.records]
    assert "3 of 75 packets of its video are damaged" in line and "\n" not in line


def test_a_sound_that_breaks_leaves_the_pictures(tmp_path, said):
    path = written(tmp_path, "mp4")
    places = packets(path, "audio")
    spoil(path, places[20:])
    images, chunks = read(path)
    assert len(images) == 75 and 1.0 < heard_s(chunks) < 1.6
    lines = [record.getMessage() for record in said.records]
    assert f"{len(places) - 20} of {len(places)} packets of its audio" in lines[0]
    assert "its audio breaks off after 1." in lines[-1]


def test_where_nothing_can_be_decoded_it_is_one_line(tmp_path):
    path = write(tmp_path / "talk.mp4", 10)
    spoil(path, packets(path, "video") + packets(path, "audio"))
    with pytest.raises(UserError, match="neither pictures nor sound"):
        list(read_video(path))
    with pytest.raises(UserError, match="holds no samples"):
        read_audio(path)


@pytest.mark.parametrize("suffix", sorted(CUT))
def test_a_cut_file_is_read_to_where_it_is_cut(suffix, tmp_path):
    path = written(tmp_path, suffix)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    images, chunks = read(path)
    numbers = [index_of(image.rgb) for image in images]
    assert 40 < len(images) < 75
    assert numbers[:40] == [index % 30 for index in range(40)]
    assert 1.5 < heard_s(chunks) < 2.8


@pytest.mark.parametrize("kept", [0.5, 0.8, 0.95, 0.999])
def test_a_fragmented_mp4_is_read_to_where_it_is_cut(kept, tmp_path):
    path = write(tmp_path / "talk.mp4", 75, options={"movflags": "frag_keyframe+empty_moov"})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    images, chunks = read(path)
    # A fragment has five frames.
    assert 75 * kept - 11 <= len(images) <= 75 and heard_s(chunks) > 3 * kept - 0.8
    # Of the last one a part may be gone.
    numbers = [index_of(image.rgb) for image in images[:-1]]
    assert numbers == [index % 30 for index in range(len(numbers))]


def test_a_cut_mp4_whose_index_comes_first_says_how_much_is_missing(tmp_path, said):
    path = write(tmp_path / "talk.mp4", 75, options={"movflags": "faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    images, _ = read(path)
    assert 40 < len(images) < 60
    lines = [record.getMessage() for record in said.records if "video" in record.getMessage()]
    assert len(lines) == 1 and "its video breaks off after" in lines[0] and "of 3.0 s" in lines[0]


def test_a_missing_index_is_said_to_be_missing(tmp_path):
    path = write(tmp_path / "talk.mp4", 25)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(UserError, match=r"its index \(moov\) is missing") as refused:
        read_video(path)
    assert "\n" not in str(refused.value)


def test_a_lost_part_in_the_middle_is_said(tmp_path, said):
    path = written(tmp_path, "mkv")
    data, places = path.read_bytes(), packets(path, "video")
    path.write_bytes(data[: places[20][0]] + data[places[40][0] :])
    images, _ = read(path)
    assert images[-1].stamp_s == pytest.approx(2.96, abs=0.01) and len(images) < 60
    assert any("its video has gaps of" in record.getMessage() for record in said.records)


def test_a_reader_that_stops_early_is_let_go(tmp_path, said):
    path = written(tmp_path, "mp4", 25)
    for opened in (pictures(path), sounds(path), read_video(path)):
        next(opened)
        opened.close()
    assert said.records == []


def test_a_cover_picture_is_no_video(tmp_path):
    path = write(tmp_path / "talk.mp4", 10)
    cover = cv2.imencode(".jpg", grey(0, 320, 240))[1].tobytes()
    add_cover(path, cover)
    with open_media(path) as container:
        first = container.streams.video[0]
        assert first.codec_context.name == "mjpeg" and len(container.streams.video) == 2
    images, _ = read(path)
    assert {image.rgb.shape for image in images} == {(48, 64, 3)} and len(images) == 10
    assert len(list(video_frames(path))) == duration_frames(path) == 10
    assert video_formats(path) == ("mpeg4 yuv420p", "aac")
    song = write(tmp_path / "song.m4a", 25, videos=())
    add_cover(song, cover)
    with pytest.raises(UserError, match="holds no video"):
        read_video(song)
    assert len(read_audio(song)) > 15000 and duration_frames(song) == 25


def marked(index):
    def edit(*streams):
        for place, stream in enumerate(streams):
            stream.disposition = Disposition.default.value if place == index else 0

    return edit


@pytest.mark.parametrize("default", [1, 2, 3])
def test_the_default_sound_is_taken(default, tmp_path):
    path = write(
        tmp_path / "talk.mkv", 50, format="matroska", tones=(300, 600, 1200), edit=marked(default)
    )
    _, chunks = read(path)
    heard = np.concatenate([chunk.samples[:, 0] for chunk in chunks])[2048:]
    expected = (300, 600, 1200)[default - 1]
    assert pitch_hz(heard, chunks[0].rate_hz) == pytest.approx(expected, abs=5)
    assert pitch_hz(read_audio(path)[2048:], 16000) == pytest.approx(expected, abs=5)


@pytest.mark.parametrize(("default", "width"), [(None, 96), (0, 64), (1, 96), (2, 32)])
def test_the_default_video_else_the_largest_is_taken(default, width, tmp_path):
    path = write(
        tmp_path / "talk.mkv",
        5,
        format="matroska",
        videos=((64, 48), (96, 64), (32, 32)),
        edit=marked(default),
        tones=(),
    )
    images, _ = read(path)
    assert {image.rgb.shape[1] for image in images} == {width}


def test_streams_that_cannot_be_decoded_are_passed_over(tmp_path):
    path = write(
        tmp_path / "talk.mkv", 25, format="matroska", videos=((96, 64), (64, 48)), tones=(300, 600)
    )
    data = path.read_bytes()
    for known in (b"V_MPEG4/ISO/ASP", b"A_AAC"):
        assert data.count(known) == 2
        data = data.replace(known, b"X" * len(known), 1)
    path.write_bytes(data)
    images, chunks = read(path)
    assert {image.rgb.shape[1] for image in images} == {64}
    heard = np.concatenate([chunk.samples[:, 0] for chunk in chunks])[2048:]
    assert pitch_hz(heard, chunks[0].rate_hz) == pytest.approx(600, abs=5)
    assert video_formats(path) == ("mpeg4 yuv420p", "aac")
    path.write_bytes(data.replace(b"V_MPEG4/ISO/ASP", b"X" * 15))
    with pytest.raises(UserError, match="holds no video that can be decoded"):
        read_video(path)


NAMES = [
    "talk:1.mp4",
    "pipe:0.mp4",
    "pipe:",
    "concat:a.mp4|b.mp4",
    "#.mp4",
    "?a=b.mp4",
    "%d.mp4",
    "%03d.png",
    "a b .mp4",
    " .mp4",
    "new\nline.mp4",
    "-i.mp4",
    "http:x.mp4",
    "file:x.mp4",
    "data:,x.mp4",
    "subfile,,start,0,end,0,,:x.mp4",
    "crypto:x.mp4",
    "lavfi:x.mp4",
    "~root.mp4",
    "$HOME.mp4",
    "back\\slash.mp4",
    "*.mp4",
    "[x].mp4",
    "a" * 251 + ".mp4",
    "\u00fc\u4e2d.mp4",
    "\udcff\udcfe.mp4",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_no_syntax(name, tmp_path, monkeypatch):
    """Written, read as a recording, and read as data; by a relative name too."""
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, type(tmp_path)()):
        path = folder / name
        with VideoWriter(path, 64, 48) as video:
            for index in range(3):
                video.write_image(grey(index))
                video.write_audio(index / 25, np.zeros(640, np.float32), 16000)
        assert [os.fsencode(found) for found in os.listdir(tmp_path)] == [os.fsencode(name)]
        with open_source(path, RosConfig()) as source:
            images = [item for item in source.items if isinstance(item, ImageInput)]
        assert [index_of(image.rgb) for image in images] == [0, 1, 2]
        assert len(list(video_frames(path))) == duration_frames(path) == 3
        assert len(read_audio(path)) > 1000
        path.unlink()


@pytest.mark.parametrize("name", ["a" * 256 + ".mp4", "a\0b.mp4", "", ".", "no/folder.mp4"])
def test_a_name_that_cannot_be_is_one_line(name, tmp_path):
    with pytest.raises(UserError, match=r"cannot write|exists already") as refused:
        VideoWriter(tmp_path / name, 64, 48)
    assert "\n" not in str(refused.value) and list(tmp_path.iterdir()) == []


# As an mp4 has it: what it does to the picture that is stored.
MATRICES = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


@pytest.mark.parametrize("matrix", MATRICES)
def test_a_turned_video_is_upright_wherever_it_is_read(matrix, tmp_path):
    path = write(tmp_path / "talk.mp4", 3)
    plain = [image.rgb for image in read(path)[0]]
    set_matrix(path, *matrix)
    turned = [image.rgb for image in read(path)[0]]
    for one, other in zip(plain, turned, strict=True):
        np.testing.assert_array_equal(upright(one, MATRICES[matrix]), other)
    for one, other in zip(video_frames(path), turned, strict=True):
        np.testing.assert_array_equal(one, other)
    # 90 degrees clockwise: the bright corner, upper left when stored, is at the upper right.
    if matrix == (0, 1, -1, 0):
        height, width = turned[0].shape[:2]
        assert (height, width) == (64, 48)
        assert turned[0][:20, 30:].mean() > turned[0][:20, :20].mean() + 20


@pytest.mark.parametrize(
    ("tag", "orientation"),
    [("", 1), ("0", 1), ("90", 6), ("180", 3), ("270", 8), ("-90", 8), ("360", 1), ("north", 1)],
)
def test_the_older_tag(tag, orientation):
    stream = SimpleNamespace(metadata={"rotate": tag} if tag else {})
    assert _orientation(SimpleNamespace(side_data={}), stream) == orientation


@pytest.mark.parametrize(
    ("matrix", "orientation"),
    [
        ((1, 0, 0, 0, 1), 1),
        ((0, 0, 0, 0, 0), 1),
        ((65536, 90, 0, -90, 65536), 1),
        ((30, 60000, 0, -60000, 30), 6),
    ],
)
def test_a_matrix_that_is_not_exact(matrix, orientation):
    data = np.array([*matrix, 0, 0, 0, 1 << 30], np.int32).tobytes()
    frame = SimpleNamespace(side_data={"DISPLAYMATRIX": data})
    assert _orientation(frame, SimpleNamespace(metadata={"rotate": "180"})) == orientation


def test_tags_need_not_be_utf_8(tmp_path):
    path = write(tmp_path / "talk.mp4", 5, metadata={"title": "Muenchen"})
    path.write_bytes(path.read_bytes().replace(b"Muenchen", b"M\xfc\xffnchen"))
    assert len(read(path)[0]) == 5 and duration_frames(path) == 5


def test_more_channels_than_pyav_can_tell(tmp_path):
    frames = np.arange(3200 * 12, dtype=np.float32).reshape(12, 3200)
    # Not from_ndarray, which may find more planes than there are channels.
    frame = av.AudioFrame(format="fltp", layout="12 channels", samples=3200)
    for plane, samples in zip(frame.planes, frames, strict=False):
        plane.update(samples)
    np.testing.assert_array_equal(frame_samples(frame), frames.T)


def test_a_packet_of_a_stream_that_only_came_up_is_left_out():
    packets = [
        SimpleNamespace(size=1),
        IndexError("list index out of range"),
        SimpleNamespace(size=2),
    ]

    def demux(_):
        while packets:
            packet = packets.pop(0)
            if isinstance(packet, Exception):
                raise packet
            yield packet

    damage = _Damage("video", 0.0, None)
    found = [*_packets(SimpleNamespace(demux=demux), None, damage)]
    assert [packet and packet.size for packet in found] == [1, 2, None]
    assert (damage.packets, damage.failed) == (2, 1)


def test_a_variable_rate_is_kept(tmp_path):
    pts = [0, 1, 2, 10, 11, 30, 31]
    path = write(tmp_path / "talk.mkv", 7, format="matroska", pts=pts, tones=())
    images, _ = read(path)
    np.testing.assert_allclose([i.stamp_s for i in images], np.array(pts) / 25, atol=2e-3)
    assert len(list(video_frames(path))) == 32


def test_two_transport_streams_behind_each_other(tmp_path):
    path = written(tmp_path, "ts", 25)
    path.write_bytes(path.read_bytes() * 2)
    images, chunks = read(path)
    assert [index_of(image.rgb) for image in images] == list(range(25)) * 2
    np.testing.assert_allclose(np.diff([i.stamp_s for i in images]), 0.04, atol=0.002)
    assert heard_s(chunks) == pytest.approx(2, abs=0.1)
    assert images[-1].arrival_s == pytest.approx(chunks[-1].arrival_s, abs=0.2)


@needs_face_model
def test_a_damaged_recording_is_replayed_and_one_without_an_index_refused(tmp_path, capsys):
    path = write(tmp_path / "talk:1.mp4", 50)
    spoil(path, packets(path, "video")[20:23])
    out, video = tmp_path / "out", tmp_path / "concat:%d.mp4"
    arguments = ["replay", str(path), "-o", str(out), "--video", str(video)]
    assert main(arguments) == 0
    shown, _ = read(video)
    assert len(shown) > 25 and out.is_dir()
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    capsys.readouterr()
    assert main(["replay", str(path), "-o", str(tmp_path / "none")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "its index (moov) is missing" in said[0]
    assert not (tmp_path / "none").exists()
