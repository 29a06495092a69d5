"""VMC protocol: VRM avatars over OSC (protocol.vmc.info, the receiver's specification).

Each frame is one or more bundles of less than 1500 bytes, as the protocol asks:
/VMC/Ext/OK, /VMC/Ext/T, /VMC/Ext/Bone/Pos of the head, /VMC/Ext/Blend/Val for every value, and in
the last bundle /VMC/Ext/Blend/Apply, which shows them together. Values are the 52 shapes with a
capital first letter ("perfect sync", BrowDownLeft), and VRM 0's presets for avatars that have only
those; the protocol requires VRM 0's names for all avatars.

Events of the listener and the speaker come as messages of our own address, EVENT, one a datagram;
programs that do not know it ignore it.

Unity's axes are left-handed: x to the avatar's right, y up, z out of the face. They are ours
with x reversed, so a rotation keeps its x and reverses y and z: + about x nods down, about y
turns to the right, about z tilts the right side up.
"""

from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.outputs.expression import EMOTIONS, evidence
from reactface_node.outputs.face import gaze, quaternion, rotation, weights
from reactface_node.outputs.udp import Udp
from reactface_node.schema import ARKIT_NAMES, ListenerEvent, index_of, indices_of

PORT = 39539
MAX_BYTES = 1400
EVENT = "/reactface/event"
PERFECT_SYNC = tuple(name[0].upper() + name[1:] for name in ARKIT_NAMES)
# VRM 0's presets that our coefficients can drive; Blink is Blink_L and Blink_R.
PRESETS = (
    "A",
    "I",
    "U",
    "E",
    "O",
    "Blink_L",
    "Blink_R",
    "Joy",
    "Angry",
    "Sorrow",
    "LookUp",
    "LookDown",
    "LookLeft",
    "LookRight",
)

_JAW, _CLOSE = index_of("jawOpen"), index_of("mouthClose")
_FUNNEL, _PUCKER = index_of("mouthFunnel"), index_of("mouthPucker")
_STRETCH, _BLINKS = indices_of("mouthStretch"), indices_of("eyeBlink")
_FEELINGS = [EMOTIONS.index(name) for name in ("happy", "angry", "sad")]


def presets(weight: np.ndarray) -> np.ndarray:
    """(52,) weights -> (14,) in 0..1, the values of ``PRESETS``.

    Vowels from the opening and the width of the mouth; emotions from ``expression``.
    """
    jaw = max(weight[_JAW] - weight[_CLOSE], 0.0)
    wide, funnel, pucker = weight[_STRETCH].mean(), weight[_FUNNEL], weight[_PUCKER]
    plain = 1.0 - max(funnel, pucker)
    vowels = [
        jaw * plain * (1.0 - wide),
        (1.0 - jaw) * plain * wide,
        pucker * (1.0 - funnel),
        jaw * plain * wide,
        funnel,
    ]
    left, up = gaze(weight).mean(axis=0)
    looks = [max(up, 0.0), max(-up, 0.0), max(left, 0.0), max(-left, 0.0)]
    values = [*vowels, *weight[_BLINKS], *evidence(weight)[_FEELINGS], *looks]
    return np.clip(values, 0.0, 1.0)


class Vmc:
    """Sends each frame to a VRM avatar's program.

    All messages are built once; each frame only writes its floats into them. In OSC floats are
    big-endian and lie at multiples of four bytes.
    """

    def __init__(self, host: str, port: int = PORT) -> None:
        """UserError if the host cannot be found or python-osc is not installed."""
        self._bundles = _bundles()
        self._udp = Udp(host, port)
        self._began_s: float | None = None

    @property
    def dropped(self) -> int:
        """Datagrams that were not sent."""
        return self._udp.dropped

    def send(self, show_at_s: float, face: np.ndarray) -> None:
        """A frame (58,); /VMC/Ext/T counts from the first, or from a clock's jump back."""
        if self._began_s is None or show_at_s < self._began_s:
            self._began_s = show_at_s
        weight = weights(face)
        x, y, z, w = quaternion(rotation(face))
        head = [show_at_s - self._began_s, x, -y, -z, w]
        values = np.concatenate([head, weight, presets(weight)])
        first = 0
        for floats, places in self._bundles:
            floats[places] = values[first : first + len(places)]
            first += len(places)
            self._udp.send(floats.tobytes())

    def tell(self, event: ListenerEvent) -> None:
        """An event: who, kind, phase, time on the clock of /VMC/Ext/T (0 before the first frame),
        probability, seconds, cycles, rad, cycles a second; see ``ListenerEvent``."""
        at_s = 0.0 if self._began_s is None else event.stamp_s - self._began_s
        words = event.who, event.kind, event.phase
        numbers = event.probability, event.duration_s
        message = _message(
            EVENT, *words, at_s, *numbers, event.cycles, event.depth_rad, event.rate_hz
        )
        self._udp.send(message.dgram)

    def close(self) -> None:
        self._udp.close()


def _bundles() -> list[tuple[np.ndarray, list[int]]]:
    """The bundles as big-endian float32 and, for each, where its changing floats lie."""
    try:
        from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    except ImportError as error:
        raise UserError("VMC needs python-osc: pip install python-osc") from error
    bundles = []
    for group in _grouped():
        builder = OscBundleBuilder(IMMEDIATELY)
        places = []
        end = 16
        for message, changing in group:
            builder.add_content(message)
            end += 4 + message.size
            places += [end // 4 - back for back in range(changing, 0, -1)]
        bundles.append((np.frombuffer(bytearray(builder.build().dgram), ">f4"), places))
    return bundles


def _grouped() -> list[list[tuple[Any, int]]]:
    """The messages by bundle."""
    groups: list[list[tuple[Any, int]]] = [[]]
    size = 16
    for message, changing in _messages():
        size += 4 + message.size
        if size > MAX_BYTES:
            groups.append([])
            size = 16 + 4 + message.size
        groups[-1].append((message, changing))
    return groups


def _messages() -> list[tuple[Any, int]]:
    """Each message and how many of its last arguments are floats that change."""
    # No position, as in other trackers: an avatar has its own position of the head on the neck.
    bone: list[Any] = ["Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    return [
        (_message("/VMC/Ext/OK", 1), 0),
        (_message("/VMC/Ext/T", 0.0), 1),
        (_message("/VMC/Ext/Bone/Pos", *bone), 4),
        *((_message("/VMC/Ext/Blend/Val", name, 0.0), 1) for name in PERFECT_SYNC + PRESETS),
        (_message("/VMC/Ext/Blend/Apply"), 0),
    ]


def _message(address: str, *arguments: str | int | float) -> Any:
    from pythonosc.osc_message_builder import OscMessageBuilder

    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()
