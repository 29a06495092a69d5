"""Other forms of a face for robots and avatars: pure functions and UDP senders, without ROS.

All are called for each frame, 25 times a second, with a (58,) face. None blocks. NaN and
infinity in a face count as 0; a motor keeps its position.
"""
