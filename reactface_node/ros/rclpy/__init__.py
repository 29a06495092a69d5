"""The node in an installed ROS 2: an rclpy lifecycle node, its parameters and its launch files."""
