"""The node without an installed ROS: the same topics on the wire, spoken by cyclonedds."""
