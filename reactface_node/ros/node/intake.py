"""The input side of the node: messages are converted, placed in time and given to the session.

A transport calls ``receive`` with the name of the stream (``streams.streams``), the message and
its time of arrival. All times are seconds on one clock, the clock of arrival. A bad message is
counted and never raises.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError, one_line
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.audio import AudioFormat, says_its_format
from reactface_node.ros.messages.types import MessageError
from reactface_node.ros.node.bare_audio import BareAudio
from reactface_node.ros.node.diagnostics import Meter
from reactface_node.ros.node.failures import FailureGuard
from reactface_node.ros.node.protocols import Session
from reactface_node.ros.node.publisher_filter import PublisherFilter
from reactface_node.ros.node.stamps import StreamClock, stream_clock
from reactface_node.schema import CROP_PX
from reactface_node.session.probe import Probe

WARN_PERIOD_S = 1.0
"""Rejected messages of one stream are logged at most once in this time."""
LONGEST_QUEUE_S = 60.0
"""The robot's own speech is not queued further ahead than this: the clock must have jumped."""
LONGEST_SILENCE_S = 120.0
"""A voice that ``is_speaking`` reports as silent is used again after this time without a new
report: the node that reports it may have ended."""
LARGE_BYTES = 10_000_000
"""Larger raw images are warned of: four megapixels in colour at 30 Hz need half a core."""
PLAYED_AHEAD_S = 5.0
"""The robot's own audio may be stamped with the time at which it will be played. A stamp that is
further than this from the arrival is not used."""
CROPS_ACROSS = 8
"""A JPEG is decoded so that one crop of the face model fits this many times into its width. A face
that is narrower would be enlarged from a full-size image too."""


class Intake:
    """The input side of the server.

    enabled: whether images and audio reach the session.
    """

    def __init__(
        self,
        config: Config,
        session: Session,
        meter: Meter,
        failures: FailureGuard,
        is_live: bool,
        probe: Probe,
    ) -> None:
        """meter: counts messages. failures: counts unexpected errors. is_live: bare audio waits
        for an AudioInfo that may still come. probe: as the server's."""
        self.enabled = True
        self._session, self._meter, self._failures = session, meter, failures
        self._probe = probe
        self._least_width = _least_width(config, config.perception.max_width_px)
        configured = AudioFormat(config.ros.audio_rate_hz, config.ros.audio_channels)
        self._bare = {
            stream: BareAudio(configured, is_live, partial(self._meter.count, f"{stream}_unread"))
            for stream in ("audio", "own_audio")
        }
        self._clocks: dict[str, StreamClock] = {}
        self.expect_offsets({"image": 0.0, "audio": 0.0})
        self._sources = {stream: PublisherFilter() for stream in ("image", "audio", "own_audio")}
        self._warned_once: set[str] = set()
        self._voice_ended_s = -np.inf
        self._playing_until_s = -np.inf
        self._newest_arrival_s: float | None = None
        self._rejected_s: dict[str, float] = {}
        self._log = logging.getLogger(__name__)
        self._handlers: dict[str, Callable[[Any, float], None]] = {
            "image": self.on_image,
            "audio": self.on_audio,
            "audio_info": lambda message, _: self.on_audio_info(message, "audio"),
            "own_audio": self.on_own_audio,
            "own_audio_info": lambda message, _: self.on_audio_info(message, "own_audio"),
            "speaking": self.on_speaking,
            "voice": self.on_voice,
        }

    def receive(self, stream: str, message: Any, arrival_s: float, source: Any = None) -> None:
        """Handle a message of a stream; never raises. source: its publisher, None if unknown."""
        try:
            if self._is_followed(stream, message, arrival_s, source):
                self._handlers[stream](message, arrival_s)
        except Exception as error:
            self.reject(stream, error, arrival_s)

    def _is_followed(self, stream: str, message: Any, arrival_s: float, source: Any) -> bool:
        """Whether a message comes from the publisher that is followed. Counts it if not."""
        sources = self._sources.get(stream)
        key = source if source is not None else _frame_id(message)
        if sources is None or sources.accepts(key, arrival_s):
            return True
        self._meter.count("other_publishers")
        self.warn_of_several(stream)
        return False

    def set_tracked_width(self, max_width_px: int) -> None:
        """Tell the largest width of the images that the tracker reads from now on."""
        self._least_width = _least_width(self._session.config, max_width_px)

    def take_arrival(self) -> float | None:
        """Arrival of the newest input since the last call, None without one. For the latency: a
        reaction waits for the newest input."""
        arrival_s, self._newest_arrival_s = self._newest_arrival_s, None
        return arrival_s

    def warn_of_several(self, stream: str) -> None:
        """Warn once that a stream that should have one publisher has more."""
        if stream in self._sources:
            self._warn_once(
                f"others {stream}",
                "more than one publisher on the topic of %s: only the first is listened to; "
                "remap the other",
                stream,
            )

    def on_image(self, message: Any, arrival_s: float) -> None:
        """Handle a sensor_msgs/Image or CompressedImage."""
        if not self.enabled:
            return
        with self._guarded("image", arrival_s):
            self._warn_of_large_images(message)
            stamp_s, rgb = convert.stamp_of(message), None
            if self._session.needs_image(self._clocks["image"].expected_s(stamp_s, arrival_s)):
                with self._probe.stage("convert"):
                    rgb = convert.image_to_rgb(message, self._least_width)
            stamp_s = self._place("image", stamp_s, arrival_s)
            with self._probe.stage("session"):
                self._session.push_image(stamp_s, rgb)
            self._meter.count("images")

    def on_audio(self, message: Any, arrival_s: float) -> None:
        """Handle an audio message of the microphone, any type. Audio without a stamp is taken to
        have ended when it arrived."""
        with self._guarded("audio", arrival_s, timed=False):
            self._read_audio("audio", self._bare["audio"].take(message, arrival_s))

    def on_own_audio(self, message: Any, arrival_s: float) -> None:
        """Handle an audio message that the robot plays, of any type."""
        with self._guarded("own_audio", arrival_s, timed=False):
            self._read_audio("own_audio", self._bare["own_audio"].take(message, arrival_s))

    def on_speaking(self, message: Any, arrival_s: float) -> None:
        """Handle a std_msgs/Bool: whether the robot itself speaks."""
        with self._guarded("speaking", arrival_s, timed=False):
            self._session.push_speaking(arrival_s, bool(message.data))

    def on_voice(self, message: Any, arrival_s: float) -> None:
        """Handle ROS4HRI's std_msgs/Bool: whether the followed voice speaks. While it does not,
        its audio holds only noise of the room, and silence is used instead."""
        self._voice_ended_s = -np.inf if message.data else arrival_s

    def push_image(self, stamp_s: float, rgb: np.ndarray, arrival_s: float) -> None:
        """Take an image that is no message, such as a webcam's; arguments as the session's."""
        if self.enabled:
            with self._guarded("image", arrival_s), self._probe.stage("session"):
                self._session.push_image(stamp_s, rgb)
                self._meter.count("images")

    def push_audio(
        self, stamp_s: float, samples: np.ndarray, rate_hz: int, arrival_s: float
    ) -> None:
        """Take audio that is no message; arguments as the session's."""
        if self.enabled:
            with self._guarded("audio", arrival_s), self._probe.stage("session"):
                self._session.push_audio(stamp_s, samples, rate_hz)
                self._meter.count("audio")

    def on_audio_info(self, message: Any, stream: str = "audio") -> None:
        """Handle an AudioInfo of the apt release: the format of AudioData, also of the messages
        that wait for it."""
        self._read_audio(stream, self._bare[stream].set_format(convert.format_from_info(message)))

    def expect_offsets(self, offsets_s: Mapping[str, float]) -> None:
        """Set what is added to the stamps of "image" or "audio" until messages show another
        offset."""
        jump_s = self._session.config.timeline.clock_jump_s
        self._clocks |= {name: stream_clock(name, jump_s, off) for name, off in offsets_s.items()}

    def offsets(self) -> dict[str, float]:
        """The seconds that are added to the stamps of each stream."""
        return {f"{stream}_offset_s": clock.offset_s for stream, clock in self._clocks.items()}

    def follow_another(self, whose: str) -> None:
        """Follow another one of ROS4HRI's "faces" or "voices" from now on.

        Its publisher and its clock may be others. The tracker learns the neutral face of a new
        face; a new voice counts as speaking.
        """
        stream = "image" if whose == "faces" else "audio"
        self._sources[stream] = PublisherFilter()
        self.expect_offsets({stream: 0.0})
        if whose == "faces":
            self._session.change_speaker()
        else:
            self._voice_ended_s = -np.inf

    def reject(self, stream: str, error: Exception, arrival_s: float) -> None:
        """Count and log an unusable message, at most one line a second for each stream. An
        unexpected error counts as an internal error too."""
        self._meter.count("rejected")
        self._warn_of_rejected(stream, error, arrival_s)
        if not isinstance(error, MessageError | UserError | ValueError):
            self._failures.note(f"a message of {stream}", error, arrival_s)

    def _warn_of_rejected(self, stream: str, error: Exception, arrival_s: float) -> None:
        if abs(arrival_s - self._rejected_s.get(stream, -np.inf)) < WARN_PERIOD_S:
            return
        self._rejected_s[stream] = arrival_s
        known = isinstance(error, MessageError | UserError)
        text = str(error) if known else f"{stream}: {one_line(error)}"
        self._log.warning("message left out: %s", " ".join(text.split()))

    def _read_audio(self, stream: str, messages: list[tuple[Any, float]]) -> None:
        """Read audio messages of a stream; messages: (message, arrival)."""
        if self.enabled:
            for message, arrival_s in messages:
                with self._guarded(stream, arrival_s, timed=stream == "audio"):
                    with self._probe.stage("convert"):
                        audio = convert.audio_to_samples(message, self._bare[stream].format)
                    if not (self._bare[stream].is_format_known or says_its_format(message)):
                        self._warn_of_assumed_format(stream)
                    (self._push_audio if stream == "audio" else self._push_own_audio)(
                        audio, arrival_s
                    )
                    self._meter.count(stream)

    def _push_audio(self, audio: convert.Audio, arrival_s: float) -> None:
        stamp_s = self._place("audio", audio.stamp_s, arrival_s, audio.duration_s)
        is_silent = arrival_s - self._voice_ended_s < LONGEST_SILENCE_S
        samples = np.zeros_like(audio.samples) if is_silent else audio.samples
        with self._probe.stage("session"):
            self._session.push_audio(stamp_s, samples, audio.rate_hz)

    def _push_own_audio(self, audio: convert.Audio, arrival_s: float) -> None:
        """Use the stamp if it is near the arrival. Otherwise the audio begins when it arrives, or
        after the audio that is still played."""
        waits = 0.0 <= self._playing_until_s - arrival_s < LONGEST_QUEUE_S
        stamp_s = self._playing_until_s if waits else arrival_s
        if audio.stamp_s and abs(audio.stamp_s - arrival_s) <= PLAYED_AHEAD_S:
            stamp_s = audio.stamp_s
        self._playing_until_s = stamp_s + audio.duration_s
        with self._probe.stage("session"):
            self._session.push_own_audio(stamp_s, audio.samples, audio.rate_hz)

    def _place(
        self, stream: str, stamp_s: float | None, arrival_s: float, duration_s: float = 0.0
    ) -> float:
        """The time at which a message's content began, on the clock of arrival."""
        clock = self._clocks[stream]
        time_s = clock.place(stamp_s, arrival_s, duration_s)
        # The session itself counts images whose slot was final.
        if stream == "audio" and clock.late_s > self._session.config.timeline.max_wait_s:
            self._meter.count("audio_late")
        # Audio often has no stamps, which needs no warning.
        if clock.added_s is None and (stream == "image" or stamp_s):
            reason = "do not move" if stamp_s else "are zero"
            self._warn_once(
                f"stamps {stream}",
                "%s stamps %s: using the time of arrival instead",
                stream,
                reason,
            )
        if clock.has_settled:
            self._warn_once(f"clock {stream}", "%s %s", stream, clock)
        return time_s

    def _warn_of_assumed_format(self, stream: str) -> None:
        bare, ros = self._bare[stream], self._session.config.ros
        topic = f"{ros.own_audio_topic}_info"
        if stream == "audio":
            topic = "the voice's audio_info" if ros.voice_id else ros.audio_info_topic
        self._warn_once(
            f"format {stream}",
            "no message on %s has described the audio yet: taking it as %d Hz, %d channel(s)",
            topic,
            bare.format.rate_hz,
            bare.format.channels,
        )

    def _warn_of_large_images(self, message: Any) -> None:
        if len(message.data) > LARGE_BYTES and not hasattr(message, "format"):
            self._warn_once(
                "large",
                "raw images of %dx%d are %.0f MB each: a CompressedImage topic, or smaller "
                "images, would leave the processor to others",
                message.width,
                message.height,
                len(message.data) / 1e6,
            )

    def _warn_once(self, what: str, text: str, *about: Any) -> None:
        if what not in self._warned_once:
            self._warned_once.add(what)
            self._log.warning(text, *about)

    @contextmanager
    def _guarded(self, stream: str, arrival_s: float, timed: bool = True) -> Iterator[None]:
        """Rejects the message whose handling raises. timed: its arrival counts for the latency."""
        try:
            yield
            if timed:
                self._newest_arrival_s = arrival_s
        except Exception as error:
            self.reject(stream, error, arrival_s)


def _least_width(config: Config, max_width_px: int) -> int:
    """The width in pixels below which a JPEG must not be decoded smaller.

    The tracker shrinks wider images anyway. A model that reads pixels needs a sharp crop.
    """
    if config.model.face_encoder == "pixels":
        return CROPS_ACROSS * CROP_PX
    return max_width_px


def _frame_id(message: Any) -> str:
    """The frame_id of a message, which stands for its publisher; "" without one."""
    header = getattr(message, "header", None)
    return getattr(header, "frame_id", "")
