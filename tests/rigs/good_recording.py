"""Helpers of ``test_inspect_advice``, for other tests too."""

import numpy as np

from reactface_node.tools.inspection.face import FaceReport
from reactface_node.tools.inspection.offset import Offset
from reactface_node.tools.inspection.report import (
    AudioReport,
    ImageReport,
    Report,
)
from reactface_node.tools.inspection.signals import Pace, StampReport

STAMPS = StampReport(0, 0, 0, 0.0, 0, 0, 0, 1.0, 8.0, 15.0)


IMAGES = ImageReport(
    600, {"640x480": 600}, {"Image 'rgb8'": 600}, {}, Pace(30.0, 0.04, 1.0, 0), STAMPS
)


FACE = FaceReport(
    1.0,
    0.0,
    240.0,
    240.0,
    120.0,
    0.1,
    0.01,
    0.01,
    (-5.0, 5.0),
    (-9.0, 9.0),
    (-3.0, 3.0),
    6,
    18.0,
    0.3,
    1,
    1,
)


AUDIO = AudioReport(
    500,
    {16000: 500},
    16000.0,
    {1: 500},
    {"AudioStamped float32": 500},
    {},
    STAMPS,
    0.0,
    20.0,
    1.0,
    -24.0,
    -58.0,
    0.0,
    0.01,
    0.5,
    0,
    0,
    0,
    0,
)


OFFSET = Offset(0.03, "", -0.01, 0.5, 7.0, 0.02, np.zeros(3), np.zeros(3))


GOOD = Report("talk", "rosbag2", 20.0, (), 0, IMAGES, FACE, AUDIO, OFFSET, 0.0)
