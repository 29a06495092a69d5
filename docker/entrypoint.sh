#!/bin/bash
# Arguments are the launch file's (image:=/camera/image_raw), or a command of its own.
set -e
source "/opt/ros/$ROS_DISTRO/setup.bash"
source /ws/install/setup.bash
case "${1:-}" in
  "" | *:=*) exec ros2 launch reactface_node reactface.launch.py required:=true "$@" ;;
  *) exec "$@" ;;
esac
