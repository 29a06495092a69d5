"""rosbag2 recordings: read, written, and replayed through the node's logic."""
