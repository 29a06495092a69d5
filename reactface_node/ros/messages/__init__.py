"""ROS messages: their types, and conversion from and to arrays."""
