"""ROS: the only room that knows messages, and that imports rclpy, rosbags or cyclonedds."""
