"""The node without an installed ROS: the same topics over DDS, by cyclonedds."""
