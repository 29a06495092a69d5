"""Part a: messages of every stream, most of them bad, to a server on a simulated clock.

A block of messages has its own node, configuration and random generator, so it can be repeated
alone. It ends with three seconds of good messages, in which the node must detect the face and the
voice again.
"""

import argparse
import faulthandler
import logging
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

from campaign import fields, pictures, sounds
from campaign.damage import damaged
from campaign.pools import Clock, simulated_pools
from campaign.samples import CHUNK, RATE_HZ, Sample, Samples
from campaign.settings_mutators import any_changes
from campaign.stubs import make_config, make_node
from campaign.tally import Tally, reason_of, trace_of
from reactface_node.ros.messages.types import MessageError
from reactface_node.ros.node.streams import Humans

PART = "messages"
BLOCK = 2000
START_S = 1.7e9
TICK_S = 0.02
LONGEST_CALL_S = 2.0
LONGEST_GAP_S = 1.0
GROWN_MB = 400
"""Limits of the memory of one call, and of the whole run."""
STUCK_S = 120
SHARES = {
    "wire": 0.44,
    "field": 0.26,
    "stamp": 0.06,
    "good": 0.15,
    "sound": 0.05,
    "picture": 0.03,
    "settings": 0.0095,
    "expensive": 0.0005,
}
KINDS, EDGES = tuple(SHARES), np.cumsum(list(SHARES.values()))
COUNTERS = ("images", "audio", "own_audio")
COUNTED = ("image", "audio", "own_audio")
"""Streams whose messages appear in one of the counters, or are not counted."""
CLOCK_JUMPS_S = (-3600.0, -20.0, -2.0, -0.5, 0.5, 2.0, 20.0, 3600.0)


class Block:
    """``size`` messages to a fresh node."""

    def __init__(
        self,
        tally: Tally,
        samples: Samples,
        seed: int,
        number: int,
        size: int,
        clock: Clock,
    ) -> None:
        self.tally, self.samples, self.size = tally, samples, size
        self.command = f"python tests/campaign/run.py messages --seed {seed} --block {number}"
        self.rng = np.random.default_rng([seed, number])
        config = make_config(
            mode=("window", "frame")[number % 2],
            perception__rate_hz=(25.0, 12.5, 25.0, 6.25)[number // 8 % 4],
            playout__samples=1 + number // 32 % 2,
        )
        self.clock = clock
        # How long the tracker takes for an image.
        self.clock.takes_s = (0.0, 0.008, 0.05, 0.12)[number // 2 % 4]
        self.node = make_node(config, samples.types)
        self.humans = Humans(config.ros)
        self.elapsed_s = self.offset_s = self.ticked_s = 0.0
        self.longest_call_s = 0.0
        self.index = 0
        self.sent = b""

    @property
    def now_s(self) -> float:
        return START_S + self.offset_s + self.elapsed_s

    def run(self) -> None:
        self._good(self.samples.info)
        # Bare sound whose format nobody told waits for it, and is not one that was left out.
        self._repair("audio")
        for index in range(self.size):
            self.index = index
            self._pass(float(self.rng.exponential(0.008)))
            kind = KINDS[min(int(np.searchsorted(EDGES, self.rng.random())), len(KINDS) - 1)]
            getattr(self, f"_{kind}_case")()
        self._recover()
        stats = self.node.session.stats()
        self.tally.count(PART, "node: resets", int(stats["resets"]))
        self.tally.count(PART, "node: frames", self.node.transport.frames)
        if self.node.transport.bad:
            self._fault(f"{self.node.transport.bad} frames with weights outside of [0, 1]")
        if self.node.transport.longest_gap_s > LONGEST_GAP_S:
            self._fault(f"gap of {self.node.transport.longest_gap_s:.2f} s between frames")

    # Cases by kind.

    def _wire_case(self) -> None:
        """Damaged CDR, the other byte order, or another type than the bytes are of."""
        sample = self._any_sample()
        data, kind = bytearray(sample.at(self.now_s)), sample.kind
        way = self.rng.random()
        if way < 0.03:
            data[1] ^= 1
        elif way < 0.06:
            kind = self._any_sample().kind
        else:
            data = bytearray(damaged(bytes(data), self.rng, 4 if way < 0.9 else 0))
        self.sent = bytes(data)
        message = self._read(sample, kind)
        if message is not None:
            self._deliver(sample.stream, message, "wire")
            self._repair(sample.stream)

    def _field_case(self) -> None:
        sample = self._any_sample()
        message = sample.message(self.now_s)
        fields.mutate(message, self.rng)
        self._deliver(sample.stream, message, "field")
        self._repair(sample.stream)

    def _stamp_case(self) -> None:
        """As it should be but for its time."""
        sample = (self.samples.image, self.samples.stamped)[int(self.rng.integers(0, 2))]
        message = sample.message(self.now_s)
        fields.shift(message, self.rng)
        self._deliver(sample.stream, message, "stamp")
        if self.rng.random() < 0.01:
            jump_s = CLOCK_JUMPS_S[int(self.rng.integers(0, len(CLOCK_JUMPS_S)))]
            self.offset_s += jump_s
            self.tally.count(PART, "clock jumps")

    def _good_case(self) -> None:
        s = self.samples
        self._good((s.image, s.jpeg, s.audio, s.stamped, s.own_audio)[self.rng.integers(0, 5)])

    def _sound_case(self) -> None:
        for stream, message in sounds.any_sound(self.samples, self.rng):
            self._deliver(stream, message, "sound")
        self._repair("audio")
        self._repair("own_audio")

    def _picture_case(self) -> None:
        self._deliver("image", self._compressed(pictures.any_picture(self.rng)), "picture")

    def _settings_case(self) -> None:
        changes = any_changes(self.rng)
        reason = self._call(
            f"configure({str(changes)[:200]})", lambda: self.node.server.configure(changes)
        )
        self.tally.count(PART, "settings: refused" if reason else "settings: taken")
        if "\n" in (reason or ""):
            self._fault(f"more than a line: {reason!r}")

    def _expensive_case(self) -> None:
        """Few bytes that ask for much, or much that asks for more."""
        kind = int(self.rng.integers(0, 5))
        if kind == 0:
            message = self._compressed(pictures.bomb(self.rng))
        elif kind == 1:
            message = self._compressed(pictures.whole_bomb(int(self.rng.choice([4000, 12000]))))
        elif kind == 2:
            self._deliver("audio", sounds.hours(self.samples, self.rng), "expensive")
            return
        else:
            message = self._long_image((1, 100_000), (100_000, 1))
        self._deliver("image", message, "expensive")

    def _long_image(self, *sizes: tuple[int, int]) -> Any:
        height, width = sizes[int(self.rng.integers(0, len(sizes)))]
        message = self.samples.image.message(self.now_s)
        message.height, message.width, message.step = height, width, width
        message.encoding, message.data = "mono8", np.zeros(height * width, np.uint8)
        return message

    # What is done with them.

    def _any_sample(self) -> Sample:
        return self.samples.all[int(self.rng.integers(0, len(self.samples.all)))]

    def _compressed(self, data: bytes) -> Any:
        message = self.samples.jpeg.message(self.now_s)
        message.data = np.frombuffer(data, np.uint8)
        self.sent = data
        return message

    def _read(self, sample: Sample, kind: str) -> Any:
        """None if the bytes hold no such message, and are said so."""
        try:
            message = sample.types.deserialize(self.sent, kind)
        except (MessageError, KeyError) as error:
            # A name that this definition of a package has not is no message's fault.
            self.tally.count(PART, "wire: not a message")
            self._count_through(sample.stream, error)
            return None
        except Exception as error:
            self._fault(reason_of(error), trace_of(error))
            return None
        return message

    def _count_through(self, stream: str, error: Exception) -> None:
        self._call("reject", lambda: self.node.server.intake.reject(stream, error, self.now_s))

    def _deliver(self, stream: str, message: Any, kind: str) -> None:
        """As a transport does: one counter of the stream goes up, whatever it is."""
        server, before = self.node.server, self._counted()
        if stream in ("faces", "voices"):
            self._call("follow", lambda: self._follow(stream, message))
            self.tally.count(PART, f"{kind}: of people")
            return
        peak_mb = _peak_mb()
        self._call(f"{kind} {stream}", lambda: server.receive(stream, message, self.now_s, 1))
        if _peak_mb() - peak_mb > GROWN_MB:
            self._fault(f"{kind} {stream}: {_peak_mb() - peak_mb:.0f} MB in one call")
        after = self._counted()
        if stream in COUNTED and after == before:
            self.tally.count(PART, f"{kind}: not counted")
            self._fault(f"{kind} {stream}: neither accepted nor counted as left out")
        accepted = after[0] > before[0] or stream not in COUNTED
        self.tally.count(PART, f"{kind}: {'accepted' if accepted else 'left out'}")

    def _follow(self, stream: str, message: Any) -> None:
        if self.humans.update(stream, getattr(message, "ids", [])):
            self.node.server.intake.follow_another(stream)

    def _counted(self) -> tuple[int, int]:
        """(accepted, all events) by the server's counters."""
        totals = self.node.server.meter.totals
        return sum(totals.get(name, 0) for name in COUNTERS), sum(totals.values())

    def _repair(self, stream: str) -> None:
        """What a description said last is not to make the good sound after it unreadable."""
        if stream.endswith("_info") or stream in ("audio", "own_audio"):
            for name in ("audio_info", "own_audio_info"):
                message = self.samples.by_stream[name][0].message(self.now_s)
                self._call(
                    name, lambda n=name, m=message: self.node.server.receive(n, m, self.now_s, 1)
                )

    def _good(self, sample: Sample) -> None:
        """A message that must be accepted, whatever came before it."""
        duration_s = CHUNK / RATE_HZ if "audio" in sample.stream else 0.0
        message, stream = sample.message(self.now_s - duration_s), sample.stream
        before = self._counted()
        self._call(
            f"good {stream}", lambda: self.node.server.receive(stream, message, self.now_s, 1)
        )
        if sample.stream in COUNTED and self._counted()[0] != before[0] + 1:
            self._fault(f"a good message of {sample.stream} was not accepted")
        self.tally.count(PART, "good: accepted")

    def _pass(self, seconds: float) -> None:
        """Time goes on, with ticks."""
        self.elapsed_s += seconds
        while self.ticked_s + TICK_S <= self.elapsed_s:
            self.ticked_s += TICK_S
            self.node.transport.now_s = self.ticked_s
            self.clock.advance(self.ticked_s)
            at_s = START_S + self.offset_s + self.ticked_s
            self._call("tick", lambda at_s=at_s: self.node.server.tick(at_s))
        self.node.transport.look()

    def _call(self, what: str, act: Callable[[], Any]) -> Any:
        """A fault where it raises or takes long."""
        began_s = time.perf_counter()
        try:
            return act()
        except Exception as error:
            self._fault(f"{what}: {reason_of(error)}", trace_of(error))
        finally:
            taken_s = time.perf_counter() - began_s
            self.longest_call_s = max(self.longest_call_s, taken_s)
            if taken_s > LONGEST_CALL_S:
                self._fault(f"{what} took {taken_s:.1f} s")

    def _fault(self, reason: str, trace: str = "") -> None:
        command = f"{self.command}  # message {self.index}"
        self.tally.fault(PART, reason, command, trace, self.sent)

    def _recover(self) -> None:
        """Three seconds of a plain camera and microphone: seen and heard in the last of them."""
        self.offset_s = round(self.offset_s)
        for stream, on in (("voice", True), ("speaking", False)):
            message = self.samples.build("std_msgs/msg/Bool", data=on)
            self._call(
                stream, lambda s=stream, m=message: self.node.server.receive(s, m, self.now_s, 1)
            )
        self._repair("audio")
        before, spoken = self.node.faces(), self.node.session.stats()["windows_own_turn"]
        for step in range(150):
            if step == 75:
                before = self.node.faces()
                spoken = self.node.session.stats()["windows_own_turn"]
            self._pass(TICK_S)
            if step % 2 == 0:
                self._good(self.samples.image)
            self._good(self.samples.stamped)
        stats = self.node.session.stats()
        seconds, seen, heard = (a - b for a, b in zip(self.node.faces(), before, strict=True))
        if seconds < 1.0:
            self._fault(f"only {seconds:.2f} s of reactions in the last 1.5 s of good messages")
        elif seen < 0.7 * seconds:
            self._fault(f"the face of good messages is seen in {seen / seconds:.0%}")
        if stats["windows_own_turn"] > spoken:
            self.tally.count(PART, "recovery: it speaks itself")
        elif seconds >= 1.0 and heard < 0.7 * seconds:
            self._fault(f"the voice of good messages is heard in {heard / seconds:.0%}")
        self.tally.count(PART, "recoveries")


def run(tally: Tally, seed: int, count: int, only: int | None = None, say: bool = True) -> None:
    """``count`` messages in blocks, or one block alone."""
    logging.disable(logging.CRITICAL)
    samples, process = Samples(), psutil.Process()
    numbers = [only] if only is not None else range(-(-count // BLOCK))
    longest_call_s = longest_gap_s = first_mb = 0.0
    began_s, said_s = time.monotonic(), 0.0
    for done, number in enumerate(numbers):
        faulthandler.dump_traceback_later(STUCK_S, exit=True)
        with simulated_pools() as clock:
            block = Block(tally, samples, seed, number, min(count, BLOCK), clock)
            try:
                block.run()
            finally:
                faulthandler.cancel_dump_traceback_later()
                block.node.close()
        tally.count(PART, "messages", block.size)
        longest_call_s = max(longest_call_s, block.longest_call_s)
        longest_gap_s = max(longest_gap_s, block.node.transport.longest_gap_s)
        memory_mb = process.memory_info().rss / 2**20
        first_mb = memory_mb if done == min(10, len(numbers) - 1) else first_mb
        if say and time.monotonic() - said_s > 10.0:
            said_s = time.monotonic()
            print(
                f"messages: block {number}, {said_s - began_s:.0f} s, {memory_mb:.0f} MB",
                flush=True,
            )
    logging.disable(logging.NOTSET)
    if memory_mb - first_mb > GROWN_MB:
        command = f"python tests/campaign/run.py messages --seed {seed} --count {count}"
        tally.fault(PART, f"memory grew by {memory_mb - first_mb:.0f} MB", command)
    tally.fact(
        PART,
        longest_call_s=f"{longest_call_s:.3f}",
        longest_gap_s=f"{longest_gap_s:.3f}",
        memory_mb=f"{first_mb:.0f} to {memory_mb:.0f}",
        peak_mb=f"{_peak_mb():.0f}",
        wall_s=f"{time.monotonic() - began_s:.0f}",
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def add(commands: Any) -> None:
    parser = commands.add_parser(PART, help="messages of every stream to a server")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--block", type=int, help="this block of the seed alone")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace, tally: Tally) -> None:
    run(tally, options.seed, BLOCK if options.block is not None else options.count, options.block)
