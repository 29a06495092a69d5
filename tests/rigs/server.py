"""A server with a fake session, transport and renderer."""

from types import SimpleNamespace

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.render.renderer import StillRenderer
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.topics import COMPRESSED, IMAGE, OUTPUTS
from reactface_node.schema import Reaction
from reactface_node.session.overload import Workload

TYPES = RosbagsTypes()
RGB = np.full((4, 6, 3), 9, np.uint8)
START_S = 1000.0


class FakeSession:
    """Notes what is pushed and hands out the reactions that a test puts in."""

    doubts = ()
    is_idle = False

    def __init__(self, config=None):
        self.config, self.configured = config or Config(), []
        self.images, self.audio, self.reactions, self.changes = [], [], [], {}
        self.resets = self.speakers = 0
        self.speaking, self.own_audio = [], []
        self.tracker_busy_s = self.tracker_cpu_s = 0.0
        self.levels = []

    def needs_image(self, stamp_s):
        return True

    def push_image(self, stamp_s, rgb):
        self.images.append((stamp_s, rgb.shape))

    def push_audio(self, stamp_s, samples, rate_hz):
        self.audio.append((stamp_s, len(samples), rate_hz))

    def push_speaking(self, stamp_s, on):
        self.speaking.append((stamp_s, on))

    def push_own_audio(self, stamp_s, samples, rate_hz):
        self.own_audio.append((stamp_s, len(samples), rate_hz))

    def change_speaker(self):
        self.speakers += 1

    def shed(self, level):
        self.levels.append(level)

    def next_poll_s(self, now_s):
        return now_s

    def poll(self, now_s, wait=True):
        ready, self.reactions = self.reactions, []
        return ready

    def reset(self):
        self.resets += 1

    def check(self, changes):
        if "playout.mirror" in changes:
            raise UserError("the session cannot change it")
        return self.config.replace(**changes)

    def configure(self, changes):
        self.config = self.check(changes)
        self.configured.append(changes)
        self.changes.update(changes)

    @property
    def workload(self):
        level = self.levels[-1] if self.levels else 0
        hertz, width_px = (25.0, 12.5, 8.33, 8.33, 8.33)[level], 640 if level < 3 else 320
        return Workload(self.tracker_busy_s, self.tracker_cpu_s, 0, hertz, width_px)

    def stats(self):
        load = self.workload
        width_px = load.image_width_px
        counted = {"windows_skipped": 3, "audio_late": 1}
        return {**counted, "tracking_hz": load.tracking_hz, "image_width_px": width_px}


class FakeTransport:
    def __init__(self):
        self.sent, self.listeners = [], set()

    def publish(self, topic, message):
        kind = OUTPUTS[topic].type_name
        TYPES.serialize(message)  # every message must fit its definition
        assert message.__msgtype__ == kind
        self.sent.append((topic, message))

    def subscribers(self, topic):
        return int(topic in self.listeners or topic not in (IMAGE, COMPRESSED))

    def on(self, topic):
        return [message for name, message in self.sent if name == topic]


class FakeRenderer(StillRenderer):
    size = (4, 4)

    def __init__(self):
        self.drawn = 0

    def render(self, coefficients):
        assert coefficients.shape == (58,)
        self.drawn += 1
        return RGB


def faked_node(config=None, session=None, informed=True, **options):
    """A server between fakes, whose work takes no time. informed: bare audio is known to be as
    configured."""
    options = {"clock": lambda: 0.0, **options}
    session, renderer = session or FakeSession(config), options.pop("renderer", FakeRenderer())
    transport = options.pop("transport", None) or FakeTransport()
    config = config or Config()
    server = Server(config, session, TYPES, transport, renderer, **options)
    for stream in ("audio", "own_audio") if informed else ():
        server.intake.on_audio_info(
            info(config.ros.audio_rate_hz, config.ros.audio_channels), stream
        )
    return SimpleNamespace(server=server, session=session, transport=transport, renderer=renderer)


def reaction(show_at_s, frames=8):
    at = show_at_s + np.arange(frames) / 25
    samples = np.zeros((2, frames, 58), np.float32)
    samples[1, :, 0] = np.arange(frames) / 10
    return Reaction(0, at, samples, 1, samples[1], 1.0, 1.0)


def an_image(stamp_s=START_S, frame_id="camera", rgb=RGB):
    return convert.image(TYPES, stamp_s, frame_id, rgb)


def audio_data(samples=160):
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    return build(data=np.zeros(2 * samples, np.uint8))


def info(rate_hz, channels=1):
    """AudioInfo of the apt release."""
    return SimpleNamespace(
        sample_rate=rate_hz, channels=channels, sample_format="S16LE", coding_format="wave"
    )


def stamps(messages):
    return [round(convert.time_to_s(message.header.stamp), 3) for message in messages]
