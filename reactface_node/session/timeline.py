"""Raw stamped images and audio to fixed windows of 25 Hz frames and 16 kHz samples.

Frame slot i covers [T0 + i/25, T0 + (i + 1)/25) s, window k the slots k*w ... k*w + w - 1. The
result depends on the order of the pushes alone, not on when ``poll`` is called, except for
windows that ``max_wait_s`` closed.
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
"""Empty windows are skipped where one call would close more than this of them in a row."""
BUFFER_S = 60.0
"""What is older than this, behind the newest input, is closed or, not polled, dropped."""
HEARD_FRACTION = 0.9
"""A hole of up to 4 ms (a re-anchored clock) leaves a 40 ms frame of speech readable."""

# Float64 seconds since 1970 resolve 0.24 us: a stamp 4 us before a slot's start is on it.
_SLOT_TOLERANCE = 1e-4
_BUFFER_SLOTS = round(BUFFER_S * FRAME_RATE_HZ)
_SKIP_SLOTS = round(SKIP_S * FRAME_RATE_HZ)
# Frame by frame, a stream is there that gave something in the last 0.32 s.
_RECENT_SLOTS = 8


@dataclass(frozen=True, eq=False)
class Window:
    """``w`` frames of the speaker.

    index: counts from 0 at time zero; skipped windows leave holes in it.
    start_s, end_s: seconds on the inputs' clock.
    frames: w payloads (what ``perceive`` returned); None where no image was near.
    audio: (w * 640,) float32, 16 kHz mono in [-1, 1]; zeros where nothing was heard.
    audio_valid: (w,) bool, True where at least 90 % of the frame's samples were heard.
    """

    index: int
    start_s: float
    end_s: float
    frames: list[Any | None]
    audio: np.ndarray
    audio_valid: np.ndarray


class Timeline:
    """Collects one session's inputs into windows. Never reads a clock; not thread-safe."""

    def __init__(
        self,
        config: TimelineConfig,
        window: int,
        perceive: Callable[[int, float, Any], Any],
        eager: bool = False,
    ) -> None:
        """``window``: w, frames a window. ``perceive(slot, stamp_s, image)`` gives a frame's
        payload; it is called once for each slot that has an image, in order of time. eager: for
        windows of one frame; one that has its image waits for the audio alone, not for the next
        image.
        """
        self.stats = TimelineStats()
        self._config, self._window, self._eager = config, window, eager
        self._perceive = perceive
        self._clear()

    def end(self) -> None:
        """Nothing more comes: no window waits for it any longer."""
        self._has_ended = True

    def _clear(self) -> None:
        self._has_ended = False
        self._zero_s: float | None = None
        # Of streams that are shifted on purpose the shift is no jump.
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
        """Forget everything but the statistics; the next input (or poll) is time zero.

        Windows that are closed but not polled are dropped.
        """
        self.stats.windows_left_out += len(self._ready)
        self._clear()

    @property
    def loudness(self) -> float:
        """Root mean square of the newest chunk of sound, of full scale 1."""
        return self._chunks.loudness

    def order(self, stream: str, stamp_s: float, lasts_s: float = 0.0) -> Order:
        """Of an input of ``stamps.IMAGE`` or ``AUDIO`` that is to be pushed; see ``Stamps``."""
        return self._stamps.order(stream, stamp_s + self._waits_s(stream), lasts_s)

    def _waits_s(self, stream: str) -> float:
        """Of two streams out of step the earlier one waits: nothing is late for that."""
        offset_s = self._config.camera_to_microphone_offset_s
        return max(0.0, offset_s if stream == AUDIO else -offset_s)

    def push_image(self, stamp_s: float, image: Any) -> bool:
        """An image of any kind; the newest of each slot goes to ``perceive``, others are dropped.

        False if its stamp is not believed. What ``perceive`` raises comes out here (or in
        ``poll``); its slot then has no image.
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

    def push_audio(self, stamp_s: float, samples: np.ndarray, rate_hz: float) -> bool:
        """(n,) mono or (n, channels) PCM whose first sample is stamped ``stamp_s``.

        int8, int16, int32, uint8 or floats in [-1, 1]; n = 0 is fine. Of more than 10 s at once
        the newest part is heard. ValueError if dtype, shape or rate (4 to 384 kHz) are anything
        else; nothing has changed then. False if the stamp is not believed.
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
        """The windows closed since the last poll, oldest first.

        A window closes when both streams have passed its end, or ``max_wait_s`` after its end
        (seconds on the inputs' clock); a stream that gave nothing in it is not waited for.
        ``now_s`` is trusted: where it leaps ahead (a paused process), empty windows are skipped
        and the indices stay on the grid of time.
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
        """False for a stamp that is not believed; see ``Stamps``."""
        if not self._stamps.accept(stream, stamp_s, self._horizon_s()):
            return False
        if self._zero_s is None:
            self._zero_s = stamp_s
        return True

    def _horizon_s(self) -> float | None:
        """The latest time that something besides the stamp in question vouches for."""
        if self._zero_s is None:
            return None
        known_s = max(self._audio.clock_s, self._next * self._window / FRAME_RATE_HZ)
        return max([self._zero_s + known_s, *self._stamps.newest_s.values()])

    def next_close_s(self, now_s: float) -> float:
        """When to poll next, if nothing is pushed before: the end of the next window, and where
        that is over, when it is no longer waited for. -inf: at once."""
        if self._ready or self._zero_s is None:
            return -math.inf
        end_s = self._time_s((self._next + 1) * self._window)
        return end_s if now_s < end_s else end_s + self._config.max_wait_s

    def _slot(self, stamp_s: float) -> int:
        assert self._zero_s is not None
        return math.floor((stamp_s - self._zero_s) * FRAME_RATE_HZ + _SLOT_TOLERANCE)

    def _close(self, waited_slot: int = 0) -> None:
        """Close every window that both streams, the wait or a full buffer has passed."""
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
        """The slots that images and audio have passed."""
        seen = self._image_slot + (self._eager and self._pending is not None)
        return seen, self._audio.reached // SAMPLES_PER_FRAME

    def _unawaited(self, now_s: float) -> int:
        """Up to where windows may close although a stream is missing from the next one.

        Waiting for it would only make every window of a face or a voice alone, and of idle
        motion, too late to be shown whole.
        """
        streams = self._reached()
        since = self._next * self._window - self._eager * _RECENT_SLOTS
        present = [slot for slot in streams if slot > since]
        return 0 if len(present) == len(streams) else min([self._slot(now_s), *present])

    def _first_slot(self, limit: int) -> int:
        """The oldest slot before ``limit`` that has an image or audio, else ``limit``."""
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
