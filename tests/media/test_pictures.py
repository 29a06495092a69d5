"""Picture files: formats, the size check before decoding, truncated files, bytes after the end."""

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image
from rigs.ros_images import SMOOTH, compressed, of

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.media.pictures import (
    MOST_PIXELS,
    MOST_SIDE_PX,
    narrowed,
    read_picture,
    read_picture_file,
    shrunk,
    thinned,
    upright,
)
from reactface_node.perception import make_tracker
from reactface_node.perception.portrait_face import crop_portrait
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import MessageError

LARGE = cv2.resize(SMOOTH, (160, 120), interpolation=cv2.INTER_LINEAR)
EXACT = (".png", ".tiff", ".bmp")
LOSSLESS_WEBP = [cv2.IMWRITE_WEBP_QUALITY, 101]


def file_of(ending, rgb=LARGE, options=()):
    return cv2.imencode(ending, rgb[..., ::-1], list(options))[1].tobytes()


def pillow(rgb, format, **options):
    out = BytesIO()
    Image.fromarray(rgb).save(out, format, **options)
    return out.getvalue()


@pytest.mark.parametrize("tail", [b"", b"\0", b"\xff", b"\0" * 9000, b"\xff\xd8\xff\xe0" * 3000])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_every_format_and_whatever_follows_it(ending, tail):
    data = file_of(ending, options=LOSSLESS_WEBP if ending == ".webp" else ())
    rgb = convert.image_to_rgb(compressed(data + tail, "anything"))
    worst = np.abs(rgb.astype(int) - LARGE).max()
    assert rgb.shape == LARGE.shape and worst <= (12 if ending == ".jpg" else 0)
    assert rgb.flags.writeable and rgb.flags.c_contiguous


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_a_truncated_file_is_refused(ending):
    # OpenCV writes a TIFF's directory at its end; a JPEG's last two bytes are its end marker.
    data = file_of(ending)
    for cut in (1, 2, 40, len(data) // 2, len(data) - 5):
        if ending == ".png" and cut < 12:
            continue  # Only the checksum of an empty chunk is missing.
        for tail in (b"", b"\0" * 5000):
            if ending in (".bmp", ".webp") and tail:
                continue  # No checksum and no end: zeros are pixels.
            if ending == ".tiff" and tail and cut < 12:
                continue  # Zeros are as good as the file's own last bytes.
            with pytest.raises(ValueError, match=r"truncated or damaged|neither"):
                read_picture(data[:-cut] + tail)


def segments(jpeg):
    """[(marker, from, to)] up to the first scan, its data included."""
    found, at = [], 2
    while at < len(jpeg):
        kind, size = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        end = len(jpeg) - 2 if kind == 0xDA else at + 2 + size
        found.append((kind, at, end))
        at = end
        if kind == 0xDA:
            return found
    return found


def sized(jpeg, width, height):
    """Says that it has that size."""
    out = bytearray(jpeg)
    (start,) = [at for kind, at, _ in segments(jpeg) if kind in (0xC0, 0xC2)]
    out[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(out)


TINY = pillow(np.full((16, 16, 3), 128, np.uint8), "JPEG")
PROGRESSIVE = pillow(np.full((16, 16, 3), 128, np.uint8), "JPEG", progressive=True)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, rows):
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def webp(width, height):
    """The extended format's canvas, as large as it can say, with a tiny picture in it."""
    inner = file_of(".webp", np.zeros((16, 16, 3), np.uint8), LOSSLESS_WEBP)[12:]
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(width, height, *more, big=False):
    """Grey of 8 bits in one strip of 4 bytes; more: (tag, value)."""
    tags = sorted(
        [
            (256, width),
            (257, height),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 8),
            (277, 1),
            (278, height),
            (279, 4),
            *more,
        ]
    )
    if big:
        entries = b"".join(struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in tags)
        return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, len(tags)) + entries + bytes(8)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = b"II*\0" + struct.pack("<IIH", 12, 0, len(tags))
    return head + entries + bytes(4)


def with_fill_bytes(jpeg):
    """Any number of 0xFF may stand before a marker."""
    out = jpeg[:2]
    for _, start, end in segments(jpeg):
        out += b"\xff" * 5 + jpeg[start:end]
    return out + b"\xff\xff\xff\xd9"


TOO_LARGE = {
    "jpeg": sized(TINY, 65500, 65500),
    "tall jpeg": sized(TINY, 600, 65500),
    "filled jpeg": with_fill_bytes(sized(TINY, 65500, 600)),
    "progressive jpeg": sized(PROGRESSIVE, 65500, 65500),
    "png": png(16384, 16384, b""),
    "wide png": png(100000, 1, bytes(12501)),
    "webp": webp(16383, 16383),
    "huge webp": webp(1 << 24, 1 << 7),
    "tiff": tiff(40000, 40000),
    "big tiff": tiff(40000, 40000, big=True),
    "tiled tiff": tiff(16, 16, (322, 65536), (323, 65536)),
    "bmp": struct.pack(
        "<2sIHHIIiiHHIIiiII", b"BM", 54, 0, 0, 54, 40, 30000, 30000, 1, 24, 0, 0, 0, 0, 0, 0
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_refused_by_its_header(name, monkeypatch):
    def decoded(*_):
        raise AssertionError("it was decoded")

    for decoder in ("_pixels", "_jpeg_pixels"):
        monkeypatch.setattr(f"reactface_node.media.pictures.{decoder}", decoded)
    message = compressed(TOO_LARGE[name])
    with pytest.raises(MessageError, match=r"^compressed image: .*pixels") as refused:
        convert.image_to_rgb(message)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [sized(TINY, 7000, 7000), sized(PROGRESSIVE, 7000, 7000), png(7000, 7000, bytes(100))],
)
def test_a_few_bytes_that_say_a_large_picture_are_truncated(data):
    with pytest.raises(ValueError, match="truncated or damaged"):
        read_picture(data)


def test_a_jpeg_of_very_many_scans_is_refused():
    """Each scan costs as much as a picture."""
    jpeg = sized(PROGRESSIVE, 16, 16)
    last = jpeg.rindex(b"\xff\xda")
    many = jpeg[:-2] + jpeg[last:-2] * 20
    assert read_picture(many + b"\xff\xd9").shape == (16, 16, 3)
    large = sized(many, 7000, 7000)
    padded = large + b"\x55" * 60_000 + b"\xff\xd9"
    with pytest.raises(ValueError, match="truncated or damaged"):
        read_picture(padded)


def test_fill_bytes_and_segments_that_look_like_an_end():
    jpeg = file_of(".jpg")
    plain = read_picture(jpeg)
    np.testing.assert_array_equal(read_picture(with_fill_bytes(jpeg)), plain)
    comment = b"a thumbnail: \xff\xd8\xff\xd9"
    said = jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]
    np.testing.assert_array_equal(read_picture(said), plain)
    # The end inside of the comment is not the picture's.
    with pytest.raises(ValueError, match="truncated or damaged"):
        read_picture(said[:-200] + b"\0" * 999)


def test_a_second_frame_header_or_a_picture_in_the_middle_is_refused():
    jpeg = file_of(".jpg")
    _, start, end = next(s for s in segments(jpeg) if s[0] == 0xC0)
    for extra in (jpeg[start:end], sized(jpeg, 9000, 9000)[start:end]):
        with pytest.raises(ValueError, match=r"truncated or damaged|9000x9000 pixels"):
            read_picture(jpeg[:end] + extra + jpeg[end:])
    # As a stream of pictures holds it that lost a part: the next one begins inside.
    with pytest.raises(ValueError, match="truncated or damaged"):
        read_picture(jpeg[:-300] + jpeg)


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"optimize": True},
        {"quality": 100},
        {"subsampling": 0},
        {"restart_marker_blocks": 2},
    ],
)
def test_kinds_of_jpeg(options):
    rgb = read_picture(pillow(LARGE, "JPEG", **options))
    assert np.abs(rgb.astype(int) - LARGE).mean() < 4


def test_a_cameras_jpeg_without_huffman_tables():
    """As webcams send them (MJPEG): the standard's own tables are meant."""
    jpeg = file_of(".jpg")
    tables = b"".join(jpeg[a:b] for kind, a, b in segments(jpeg) if kind != 0xC4)
    np.testing.assert_array_equal(read_picture(jpeg[:2] + tables + jpeg[-2:]), read_picture(jpeg))


@pytest.mark.slow
def test_an_all_grey_picture_is_no_truncated_one():
    grey = np.full((4000, 4000, 3), 128, np.uint8)
    assert read_picture(pillow(grey, "JPEG", optimize=True)).shape == grey.shape


MODES = {"PNG": "L P RGBA LA 1", "TIFF": "L P RGBA LA CMYK 1", "WEBP": "RGBA", "JPEG": "L CMYK"}


@pytest.mark.parametrize(
    ("format", "mode"), [(format, mode) for format in MODES for mode in MODES[format].split()]
)
def test_colours_of_every_kind(format, mode):
    out = BytesIO()
    picture = Image.fromarray(LARGE).convert(mode)
    options = {"transparency": bytes([0] * 256)} if (mode, format) == ("P", "PNG") else {}
    picture.save(out, format, **options, **({"lossless": True} if format == "WEBP" else {}))
    shown = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(read_picture(out.getvalue()) - shown).mean() < 3


@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_16_bits_are_scaled(ending):
    wide = LARGE[..., ::-1].astype(np.uint16) * 257
    data = cv2.imencode(ending, wide)[1].tobytes()
    np.testing.assert_array_equal(read_picture(data), LARGE)
    data = cv2.imencode(ending, wide[..., 2])[1].tobytes()
    np.testing.assert_array_equal(read_picture(data), np.repeat(LARGE[..., :1], 3, -1))


def test_of_several_pictures_the_first():
    first, second = Image.fromarray(LARGE), Image.fromarray(LARGE[::-1].copy())
    for format in ("TIFF", "PNG", "WEBP"):
        out = BytesIO()
        options = {"lossless": True} if format == "WEBP" else {}
        first.save(out, format, save_all=True, append_images=[second], **options)
        np.testing.assert_array_equal(read_picture(out.getvalue()), LARGE)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_compressions_of_tiff(compression):
    rgb = read_picture(pillow(LARGE, "TIFF", compression=compression))
    assert np.abs(rgb.astype(int) - LARGE).max() <= (12 if compression == "jpeg" else 0)


@pytest.mark.parametrize("format", ["TIFF", "PNG", "WEBP", "JPEG"])
def test_every_format_is_turned_upright(format):
    exif = Image.Exif()
    exif[274] = 6
    options = {"lossless": True} if format == "WEBP" else {}
    rgb = read_picture(pillow(LARGE, format, exif=exif, **options))
    assert np.abs(rgb.astype(int) - np.rot90(LARGE, -1)).mean() < 4


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (0, [[1, 2], [3, 4]]),
        (1, [[1, 2], [3, 4]]),
        (2, [[2, 1], [4, 3]]),
        (3, [[4, 3], [2, 1]]),
        (4, [[3, 4], [1, 2]]),
        (5, [[1, 3], [2, 4]]),
        (6, [[3, 1], [4, 2]]),
        (7, [[4, 2], [3, 1]]),
        (8, [[2, 4], [1, 3]]),
        (9, [[1, 2], [3, 4]]),
    ],
)
def test_orientations(orientation, turned):
    rgb = np.repeat(np.array([[1, 2], [3, 4]], np.uint8)[..., None], 3, -1)
    assert upright(rgb, orientation)[..., 0].tolist() == turned


def test_nothing_is_written_to_stderr(capfd):
    for ending in (".jpg", ".png", ".webp", ".tiff"):
        data = file_of(ending)
        for cut in (20, 400):
            with pytest.raises(ValueError):
                read_picture(data[: len(data) // 2] + b"\xff\x01\xff\xff" + data[-cut:-3])
    assert capfd.readouterr().err == ""


def test_a_picture_file_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "bomb %d.jpg").write_bytes(TOO_LARGE["jpeg"])
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("bomb %d.jpg", "empty.png", "missing.png", "."):
        with pytest.raises(UserError, match="is no picture that can be read") as refused:
            read_picture_file(tmp_path / name)
        assert "\n" not in str(refused.value)


class Sizes:
    """A finder that notes what it is given."""

    def __init__(self):
        self.seen = []

    def find(self, stamp_s, image):
        self.seen.append(image.shape)
        return []


@pytest.mark.parametrize(
    "shape", [(1, 100000), (100000, 1), (2, 30000), (32767, 2), (40000, 700), (1, 1)]
)
def test_no_image_is_too_large_for_the_tracker(shape):
    sizes = Sizes()
    tracker = LandmarkTracker(PerceptionConfig(), True, sizes)
    tracker.track(0.0, np.zeros((*shape, 3), np.uint8))
    ((height, width, _),) = sizes.seen
    assert 1 <= height <= MOST_SIDE_PX and 1 <= width <= 640


def test_a_shrunk_picture_keeps_its_shape():
    assert shrunk(np.zeros((300, 400, 3), np.uint8), 200).shape == (150, 200, 3)
    assert shrunk(np.zeros((300, 400, 3), np.uint8), 400).shape == (300, 400, 3)
    assert MOST_SIDE_PX < 32767 and MOST_PIXELS < MOST_SIDE_PX**2


@pytest.mark.parametrize("shape", [(100000, 1), (1, 100000), (32767, 3)])
def test_mediapipe_does_not_end_the_process(shape):
    pytest.importorskip("mediapipe", reason="the tracker is not installed")
    tracker = make_tracker(PerceptionConfig(), True)
    try:
        assert not tracker.track(0.0, np.zeros((*shape, 3), np.uint8)).face_found
    finally:
        tracker.close()
    if shape[0] < MOST_SIDE_PX:
        with pytest.raises(UserError, match="no face is found"):
            crop_portrait(np.zeros((*shape, 3), np.uint8))


@pytest.mark.parametrize(("height", "width"), [(100000, 1), (1, 100000), (8000, 8000)])
def test_a_raw_image_that_is_too_large_is_refused(height, width):
    message = of("mono8", np.zeros((height, width), np.uint8))
    with pytest.raises(MessageError, match=r"^image: .*pixels; at most 50 million"):
        convert.image_to_rgb(message)


@pytest.mark.parametrize(
    ("shape", "width", "wanted"),
    [
        ((480, 640), 640, (480, 640)),
        ((240, 320), 640, (240, 320)),
        ((720, 1280), 640, (360, 640)),
        ((1080, 1920), 640, (360, 640)),
        ((601, 801), 640, (480, 640)),
        ((1, 5000), 640, (1, 640)),
    ],
)
def test_an_image_is_narrowed_to_a_width_and_keeps_what_it_shows(shape, width, wanted):
    down, across = np.mgrid[: shape[0], : shape[1]]
    shown = 127.5 * np.stack([across / shape[1], down / shape[0], np.zeros(shape)], axis=-1)
    found = narrowed((63.5 + shown).astype(np.uint8), width)
    assert found.shape == (*wanted, 3)
    down, across = np.mgrid[: wanted[0], : wanted[1]] + 0.5
    again = 127.5 * np.stack([across / wanted[1], down / wanted[0], np.zeros(wanted)], axis=-1)
    if shape[0] > 1:
        assert np.abs(found - 63.5 - again).max() < 2.0


def test_an_image_that_is_narrow_enough_is_not_copied():
    image = np.zeros((48, 64, 3), np.uint8)
    assert narrowed(image, 64) is image


@pytest.mark.parametrize(
    ("shape", "step"), [((48, 64), 4), ((50, 67), 4), ((48, 64), 1), ((2, 9), 4)]
)
def test_a_thinned_image_has_every_so_many_pixels(shape, step):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    found = thinned(image[:, ::-1], step)
    slices = image[:, ::-1][::step, ::step]
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, slices[: found.shape[0], : found.shape[1]])
    assert found.shape[0] in (shape[0] // step, slices.shape[0]) and found.size
