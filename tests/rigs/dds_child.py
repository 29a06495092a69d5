"""A node over DDS with a fake session, in a separate process; ends when stdin closes.

Its arguments are settings, NAME=VALUE; robots=A,B,... makes several nodes. A session fails while
the first pixel of its image is BROKEN. Its face shows its inputs: the first weight is the image's
first pixel, the second the audio's last sample, the third the gain, the fourth its rate, the fifth
whether the robot speaks, the sixth the last sample of the robot's own audio, the seventh how often
the person changed, in tenths. Each of its reactions has a nod as event.
"""

import sys
import threading

import numpy as np

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.render.renderer import StillRenderer
from reactface_node.ros.dds.graph import serve
from reactface_node.ros.dds.robots import serve_robots
from reactface_node.ros.node.robots import namespaces
from reactface_node.schema import ListenerEvent, Reaction
from reactface_node.session.overload import Workload

BROKEN = 13 / 255


class EchoSession:
    workload = Workload(0.0, 0.0, 0, 25.0, 640)
    doubts = ()
    is_idle = False

    def __init__(self, config):
        self.config, self.pixel, self.sample, self.rate = config, 0.0, 0.0, 0.0
        self.speaking, self.own_sample, self.changes = 0.0, 0.0, 0
        self.next_s, self.windows = 0.0, 0

    def needs_image(self, stamp_s):
        return True

    def push_image(self, stamp_s, rgb):
        self.pixel = rgb[0, 0, 0] / 255

    def push_audio(self, stamp_s, samples, rate_hz):
        self.sample, self.rate = samples.reshape(-1)[-1] / 32768, rate_hz / 100_000

    def push_speaking(self, stamp_s, on):
        self.speaking = float(on)

    def push_own_audio(self, stamp_s, samples, rate_hz):
        self.own_sample = samples.reshape(-1)[-1] / 32768

    def change_speaker(self):
        self.changes += 1

    def shed(self, level):
        pass

    def next_poll_s(self, now_s):
        return self.next_s

    def poll(self, now_s, wait=True):
        if self.pixel == BROKEN:
            raise ZeroDivisionError("a broken session")
        if now_s < self.next_s:
            return []
        self.next_s, self.windows = now_s + 0.08, self.windows + 1
        face = np.zeros((2, 58), np.float32)
        face[:, :4] = self.pixel, self.sample, self.config.playout.gain / 3, self.rate
        face[:, 4:7] = self.speaking, self.own_sample, self.changes / 10
        at = np.array([now_s + 0.02, now_s + 0.06])
        nod = ListenerEvent(now_s + 0.02, "listener", "nod", "end", 1.0, 1.0, 2, 0.1, 2.0)
        return [Reaction(self.windows, at, face[None], 0, face, 1.0, 1.0, events=(nod,))]

    def reset(self):
        self.pixel = self.sample = 0.0

    def check(self, changes):
        return self.config.replace(**changes)

    def configure(self, changes):
        self.config = self.check(changes)

    def stats(self):
        workload = {"tracking_hz": 25.0, "image_width_px": 640}
        return {"windows_skipped": 0, "audio_late": 0, **workload}


class FlatRenderer(StillRenderer):
    size = (8, 8)

    def render(self, coefficients):
        return np.full((8, 8, 3), 200, np.uint8)

    def check(self, config):
        if config.portrait not in ("", "me.png"):
            raise UserError(f"no portrait '{config.portrait}'")


def main():
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    robots = given.pop("robots", "")
    config = Config().replace(
        **{"ros.network_interface": "lo", "render.renderer": "portrait", **given}
    )
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    if robots:
        made = {name: (EchoSession(config), FlatRenderer()) for name in namespaces(robots)}
        sys.exit(serve_robots(config, made, stop))
    serve(config, EchoSession(config), FlatRenderer(), stop)


if __name__ == "__main__":
    main()
