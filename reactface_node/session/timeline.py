"""Timeline: sorts timestamped images and audio into windows of 25 Hz frames and 16 kHz audio.

Frame slot i covers [T0 + i/25, T0 + (i + 1)/25) s, window k the slots k*w ... k*w + w - 1. The
result depends on the order of the pushes alone, not on the times of ``poll``, except for windows
that ``max_wait_s`` closed.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.config import TimelineConfig
from reactface_node.media.audio import AudioTrack, check_rate
from reactface_node.schema import FRAME_RATE_HZ, SAMPLES_PER_FRAME
from reactface_node.session.sound_chunks import SoundChunks
from reactface_node.session.stamps import AUDIO, IMAGE, Order, Stamps, is_time
from reactface_node.session.stats import TimelineStats

SKIP_S = 2.0
"""Empty windows are skipped if one call would close more than this of them in a row."""
BUFFER_S = 60.0
"""Windows older than this before the newest input are closed; if not polled, dropped."""
HEARD_FRACTION = 0.9
"""Least share of a frame's samples that must be there: gaps of up to 4 ms do not matter."""

# Float64 seconds since 1970 resolve 0.24 us: a stamp 4 us before a slot's start is on it.
_SLOT_TOLERANCE = 1e-4
_BUFFER_SLOTS = round(BUFFER_S * FRAME_RATE_HZ)
_SKIP_SLOTS = round(SKIP_S * FRAME_RATE_HZ)
# In frame mode, a stream that delivered something in the last 0.32 s is present.
_RECENT_SLOTS = 8


@dataclass(frozen=True, eq=False)
class Window:
    """``w`` frames of the speaker.

    index: counts from 0 at time zero; indices of skipped windows are missing.
    start_s, end_s: seconds on the inputs' clock.
    frames: w values of ``perceive``; None if the last image is older than ``face_hold_s``.
    audio: (w * 640,) float32, 16 kHz mono in [-1, 1]; zeros where there was none.
    audio_valid: (w,) bool, True if at least 90 % of the frame's samples are there.
    """

    index: int
    start_s: float
    end_s: float
    frames: list[Any | None]
    audio: np.ndarray
    audio_valid: np.ndarray


class Timeline:
    """Collects the inputs of one session into windows. Reads no clock; not thread-safe."""

    def __init__(
        self,
        config: TimelineConfig,
        window: int,
        perceive: Callable[[int, float, Any], Any],
        eager: bool = False,
    ) -> None:
        """window: w, frames per window. perceive: called as ``perceive(slot, stamp_s, image)`` once
        for each slot with an image, in order of time; its result is the frame's value. eager: for
        w = 1; a frame with an image then waits for its audio only, not for the next image.
        """
        self.stats = TimelineStats()
        self._config, self._window, self._eager = config, window, eager
        self._perceive = perceive
        self._clear()

    def end(self) -> None:
        """Tell that no more input comes: windows no longer wait for it."""
        self._has_ended = True

    def _clear(self) -> None:
        self._has_ended = False
        self._zero_s: float | None = None
        # A shift of a stream that the user configured is not a jump of its clock.
        shift_s = abs(self._config.camera_to_microphone_offset_s)
        self._stamps = Stamps(self.stats, self._config.clock_jump_s + shift_s)
        self._chunks = SoundChunks(self._config, self.stats)
        self._next = 0
        self._image_slot = 0
        self._image_stamp_s = -math.inf
        self._pending: tuple[int, float, Any] | None = None
        self._payloads: dict[int, tuple[float, Any]] = {}
        self._held: tuple[float, Any] | None = None
        self._audio = AudioTrack(self._config.audio_gap_s, self.stats)
        self._ready: deque[Window] = deque()

    def reset(self) -> None:
        """Forget everything but the statistics; the next input or poll sets time zero.

        Closed windows that were not polled are dropped.
        """
        self.stats.windows_left_out += len(self._ready)
        self._clear()

    @property
    def newest_audio(self) -> np.ndarray:
        """The newest audio chunk, (n,) float32 mono; of a long one the part that is used."""
        return self._chunks.newest

    def order(self, stream: str, stamp_s: float, lasts_s: float = 0.0) -> Order:
        """Order of an input (``stamps.IMAGE`` or ``AUDIO``) before it is pushed; see ``Stamps``."""
        return self._stamps.order(stream, stamp_s + self._waits_s(stream), lasts_s)

    def _waits_s(self, stream: str) -> float:
        """Seconds added to a stream's stamps: the stream that is ahead is delayed."""
        offset_s = self._config.camera_to_microphone_offset_s
        return max(0.0, offset_s if stream == AUDIO else -offset_s)

    def push_image(self, stamp_s: float, image: Any) -> bool:
        """Push an image of any type; the newest of each slot is given to ``perceive``.

        Returns False if its stamp is not believed. An error of ``perceive`` is raised here or in
        ``poll``; the slot then has no image.
        """
        stamp_s += self._waits_s(IMAGE)
        if not self._accept(IMAGE, stamp_s):
            return False
        self.stats.images += 1
        slot = self._slot(stamp_s)
        newest_s, self._image_stamp_s = self._image_stamp_s, max(self._image_stamp_s, stamp_s)
        if stamp_s == newest_s:
            self.stats.images_duplicate += 1
        elif slot < max(self._image_slot, self._next * self._window):
            self.stats.images_late += 1
        elif self._pending is not None and slot == self._pending[0]:
            self.stats.images_replaced += 1
            if stamp_s > self._pending[1]:
                self._pending = (slot, stamp_s, image)
        else:
            final, self._pending = self._pending, (slot, stamp_s, image)
            self._image_slot = slot
            self._finish(final)
        self._close()
        return True

    @property
    def waiting_slot(self) -> int | None:
        """The slot of the newest image, if ``perceive`` has not got it yet."""
        return None if self._pending is None else self._pending[0]

    def slot_of(self, stamp_s: float) -> int | None:
        """The slot of an image that would be pushed now; None if it is not newer than all before
        it, or unknown."""
        stamp_s += self._waits_s(IMAGE)
        if self._zero_s is None or not is_time(stamp_s) or stamp_s <= self._image_stamp_s:
            return None
        return self._slot(stamp_s)

    def push_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: float) -> bool:
        """Push (n,) mono or (n, channels) PCM; stamp_s is the time of the first sample.

        int8, int16, int32, uint8 or floats in [-1, 1]; n may be 0. Of more than 10 s at once only
        the newest 10 s are used. ValueError for another dtype, shape or rate (4 to 384 kHz), before
        anything is changed. Returns False if the stamp is not believed.
        """
        check_rate(rate_hz)
        mono, cut_s = self._chunks.mono(samples, rate_hz)
        stamp_s += self._waits_s(AUDIO)
        if not self._accept(AUDIO, stamp_s):
            return False
        self.stats.audio_chunks += 1
        if len(mono):
            closed_s = self._time_s(self._next * self._window) if self._next else -math.inf
            known_s = max(self._stamps.now_s, self._stamps.newest_s.get(IMAGE, -math.inf))
            lasts_s = len(mono) / rate_hz
            heard_s = self._chunks.place(stamp_s, cut_s, lasts_s, closed_s, known_s)
            self._audio.push(heard_s - self._time_s(0), mono, rate_hz)
        self._close()
        return True

    def poll(self, now_s: float) -> list[Window]:
        """The windows closed since the last poll, oldest first; now_s on the inputs' clock.

        A window closes when both streams have passed its end, or ``max_wait_s`` after its end. A
        stream that delivered nothing in the window is not waited for. ``now_s`` is believed: if it
        leaps ahead (a paused process), empty windows are skipped, and indices still follow time.
        """
        if is_time(now_s):
            if self._zero_s is None:
                self._zero_s = now_s
            self._stamps.now_s = max(self._stamps.now_s, now_s)
            wait_s = 0.0 if self._has_ended else self._config.max_wait_s
            self._close(self._slot(now_s - wait_s))
            self._close(self._unawaited(now_s))
        ready, self._ready = self._ready, deque()
        return list(ready)

    def _accept(self, stream: str, stamp_s: float) -> bool:
        """Whether a stamp is believed; see ``Stamps``. The first one sets time zero."""
        if not self._stamps.accept(stream, stamp_s, self._horizon_s()):
            return False
        if self._zero_s is None:
            self._zero_s = stamp_s
        return True

    def _horizon_s(self) -> float | None:
        """The latest time known from earlier inputs and closed windows; None before time zero."""
        if self._zero_s is None:
            return None
        known_s = max(self._audio.clock_s, self._next * self._window / FRAME_RATE_HZ)
        return max([self._zero_s + known_s, *self._stamps.newest_s.values()])

    def next_close_s(self, now_s: float) -> float:
        """When to poll next if nothing is pushed: the end of the next window, or if that is past,
        the end of its waiting time. -inf: at once."""
        if self._ready or self._zero_s is None:
            return -math.inf
        end_s = self._time_s((self._next + 1) * self._window)
        return end_s if now_s < end_s else end_s + self._config.max_wait_s

    def _slot(self, stamp_s: float) -> int:
        assert self._zero_s is not None
        return math.floor((stamp_s - self._zero_s) * FRAME_RATE_HZ + _SLOT_TOLERANCE)

    def _close(self, waited_slot: int = 0) -> None:
        """Close every window passed by both streams, by ``waited_slot`` or by the full buffer."""
        both = min(self._reached())
        full = max(self._reached()) - _BUFFER_SLOTS
        limit = max(both, waited_slot, full)
        while (self._next + 1) * self._window <= limit:
            skip = self._first_slot(limit) // self._window - self._next
            if skip > 1 and skip * self._window > _SKIP_SLOTS:
                self._next += skip
                self._audio.skip_to(self._next * self._window * SAMPLES_PER_FRAME)
                self.stats.windows_left_out += skip
            else:
                self.stats.windows_waited += (self._next + 1) * self._window > both
                self._close_next()
                self._drop_unpolled()

    def _reached(self) -> tuple[int, int]:
        """The slots up to which images and audio are complete."""
        seen = self._image_slot + (self._eager and self._pending is not None)
        return seen, self._audio.reached // SAMPLES_PER_FRAME

    def _unawaited(self, now_s: float) -> int:
        """The slot up to which windows close without a stream that is missing in the next one.

        Waiting for a stream that is not there would make every window of a face alone or a voice
        alone too late.
        """
        streams = self._reached()
        since = self._next * self._window - self._eager * _RECENT_SLOTS
        present = [slot for slot in streams if slot > since]
        return 0 if len(present) == len(streams) else min([self._slot(now_s), *present])

    def _first_slot(self, limit: int) -> int:
        """The oldest slot before ``limit`` with an image or audio; ``limit`` if there is none."""
        slots = [limit, *self._payloads]
        if self._pending is not None:
            slots.append(self._pending[0])
        if self._audio.first is not None:
            slots.append(self._audio.first // SAMPLES_PER_FRAME)
        return min(slots)

    def _close_next(self) -> None:
        start, end = self._next * self._window, (self._next + 1) * self._window
        if self._pending is not None and self._pending[0] < end:
            final, self._pending = self._pending, None
            self._finish(final)
        if self._audio.reached < end * SAMPLES_PER_FRAME:
            self._audio.flush()
        audio, heard = self._audio.take(start * SAMPLES_PER_FRAME, end * SAMPLES_PER_FRAME)
        heard_fraction = heard.reshape(self._window, SAMPLES_PER_FRAME).mean(axis=1)
        self._ready.append(
            Window(
                index=self._next,
                start_s=self._time_s(start),
                end_s=self._time_s(end),
                frames=[self._frame(slot) for slot in range(start, end)],
                audio=audio,
                audio_valid=heard_fraction >= HEARD_FRACTION,
            )
        )
        self._next += 1
        self.stats.windows += 1

    def _frame(self, slot: int) -> Any | None:
        self._held = self._payloads.pop(slot, self._held)
        if self._held is None:
            return None
        age_s = self._time_s(slot + 1) - self._held[0]
        return self._held[1] if age_s <= self._config.face_hold_s + 1e-6 else None

    def _finish(self, final: tuple[int, float, Any] | None) -> None:
        if final is not None:
            slot, stamp_s, image = final
            self._payloads[slot] = (stamp_s, self._perceive(slot, stamp_s, image))

    def _time_s(self, slot: int) -> float:
        assert self._zero_s is not None
        return self._zero_s + slot / FRAME_RATE_HZ

    def _drop_unpolled(self) -> None:
        if len(self._ready) * self._window > _BUFFER_SLOTS:
            self._ready.popleft()
            self.stats.windows_left_out += 1
