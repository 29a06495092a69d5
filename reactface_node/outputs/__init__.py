"""What a face is sent as besides our own topics: pure functions and UDP senders; no ROS here.

All are called for each frame, 25 times a second, with a (58,) face: none blocks, and what is
no number in a face is taken as 0, or holds a motor where it is.
"""
